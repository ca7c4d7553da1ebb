"""Java and Kotlin: pom.xml of Maven."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from agents_app.codebase.dependencies.model import (
    DEV,
    OPTIONAL,
    PEER,
    RUNTIME,
    Dependency,
    Unreadable,
)

_DEPENDENCY = ("project", "dependencies", "dependency")
_MANAGED = ("project", "dependencyManagement", *_DEPENDENCY[1:])
_PROPERTIES = ("project", "properties")
_VERSIONS = {
    ("project", "version"): "project.version",
    ("project", "parent", "version"): "project.parent.version",
}
_DEPTH_MAX = 100
_MAVEN_SCOPES = {"test": DEV, "provided": PEER, "system": PEER}


def pom(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read pom.xml; versions that a parent or another file sets stay empty or as written."""
    document = _parse(data)
    properties = document.properties
    if "project.parent.version" in properties:
        properties.setdefault("project.version", properties["project.parent.version"])
    managed = {_name(row, properties): row.get("version", "") for row in document.managed}
    for row in document.rows:
        name = _name(row, properties)
        version = _filled(row.get("version", "") or managed.get(name, ""), properties)
        scope = (
            OPTIONAL if row.get("optional") == "true" else _MAVEN_SCOPES.get(row.get("scope", ""), RUNTIME)
        )
        yield Dependency("maven", name, version, scope)


def _name(row: dict[str, str], properties: dict[str, str]) -> str:
    return _filled(f"{row.get('groupId', '')}:{row.get('artifactId', '')}", properties)


@dataclass
class _Pom:
    """Collects dependencies and properties while expat reads; an element's place is its path of names."""

    rows: list[dict[str, str]] = field(default_factory=list)
    managed: list[dict[str, str]] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    _path: list[str] = field(default_factory=list)
    _text: str = ""

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._path.append(tag.rpartition(":")[2])
        self._text = ""
        if len(self._path) > _DEPTH_MAX:
            raise Unreadable("too deeply nested")
        if tuple(self._path) in {_DEPENDENCY, _MANAGED}:
            self._list(self._path).append({})

    def characters(self, found: str) -> None:
        self._text = (self._text + found)[:1000]

    def end(self, _tag: str) -> None:
        *parent, tag = self._path
        place = (*parent, tag)
        if tuple(parent) in {_DEPENDENCY, _MANAGED}:
            self._list(parent)[-1][tag] = self._text.strip()
        elif tuple(parent) == _PROPERTIES or place in _VERSIONS:
            self.properties[_VERSIONS.get(place, tag)] = self._text.strip()
        self._path.pop()
        self._text = ""

    def _list(self, place: list[str]) -> list[dict[str, str]]:
        return self.rows if tuple(place) == _DEPENDENCY else self.managed


def _parse(data: bytes) -> _Pom:
    document = _Pom()
    parser = expat.ParserCreate()
    # Without a document type there are no entities, so nothing can expand or be fetched.
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.characters
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise Unreadable("not XML") from None
    return document


def _refuse(*_declaration: object) -> None:
    raise Unreadable("it declares a document type")


def _filled(value: str, properties: dict[str, str]) -> str:
    """Replace `${name}` once: a value that names another property stays as it is written."""
    return re.sub(r"\$\{([\w.-]{1,100})\}", lambda match: properties.get(match[1], match[0]), value[:500])[
        :500
    ]
