"""Java and Kotlin: pom.xml of Maven, build.gradle of Gradle (plain string notations)."""

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
    text,
)

_DEPENDENCY = ("project", "dependencies", "dependency")
_PROPERTIES = ("project", "properties")
_DEPTH_MAX = 100
_MAVEN_SCOPES = {"test": DEV, "provided": PEER, "system": PEER}
_GRADLE = re.compile(
    r"^\s*(?P<how>[a-z]\w{0,60})\s*\(?\s*(?:platform\s*\(\s*)?"
    r"[\"'](?P<group>[\w.-]{1,200}):(?P<name>[\w.-]{1,200})(?::(?P<version>[^\"':@]{1,100}))?",
    re.MULTILINE,
)
_GRADLE_HOW = re.compile(r"(?:test|androidTest|kapt|ksp|annotationProcessor|debug|developmentOnly)\w*")


def pom(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read pom.xml; versions that a parent or a property elsewhere sets stay empty or as written."""
    document = _parse(data)
    for row in document.rows:
        name = f"{row.get('groupId', '')}:{row.get('artifactId', '')}"
        version = _filled(row.get("version", ""), document.properties)
        scope = (
            OPTIONAL if row.get("optional") == "true" else _MAVEN_SCOPES.get(row.get("scope", ""), RUNTIME)
        )
        yield Dependency("maven", _filled(name, document.properties), version, scope)


def gradle(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read the dependencies that build.gradle or build.gradle.kts writes as one string."""
    for match in _GRADLE.finditer(text(data)):
        how = match["how"]
        if how in {"id", "classpath", "url", "exclude", "version", "name"}:
            continue
        scope = PEER if how == "compileOnly" else DEV if _GRADLE_HOW.match(how) else RUNTIME
        yield Dependency("maven", f"{match['group']}:{match['name']}", match["version"] or "", scope)


@dataclass
class _Pom:
    """Collects dependencies and properties while expat reads; an element's place is its path of names."""

    rows: list[dict[str, str]] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    _path: list[str] = field(default_factory=list)
    _text: str = ""

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._path.append(tag.rpartition(":")[2])
        self._text = ""
        if len(self._path) > _DEPTH_MAX:
            raise Unreadable("too deeply nested")
        if tuple(self._path) == _DEPENDENCY:
            self.rows.append({})

    def characters(self, found: str) -> None:
        self._text = (self._text + found)[:1000]

    def end(self, _tag: str) -> None:
        *parent, tag = self._path
        if tuple(parent) == _DEPENDENCY:
            self.rows[-1][tag] = self._text.strip()
        elif tuple(parent) == _PROPERTIES or (parent == ["project"] and tag == "version"):
            self.properties[tag if parent[-1] == "properties" else "project.version"] = self._text.strip()
        self._path.pop()
        self._text = ""


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
