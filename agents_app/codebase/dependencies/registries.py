"""What the registries of packages are asked, and what their answers mean."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.parsers import expat

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from agents_app.codebase.dependencies.documents import json_document
from agents_app.codebase.dependencies.model import Unreadable, named, rows, table, text
from agents_app.codebase.dependencies.ordering import key

_VERSION_MAX_CHARACTERS = 100
_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Registry:
    """How one registry is asked: a package's path below the registry's address, and the versions in an
    answer (raises `Unreadable`). `accept` is the kind of answer that is asked for."""

    path: Callable[[str], str]
    versions: Callable[[str, bytes], Iterable[str]]
    accept: str = "*/*"


def newest(ecosystem: str, versions: Iterable[str]) -> tuple[str, str]:
    """Return the newest stable version and the newest of all; each is empty if there is none."""
    sorted_versions = sorted(
        (
            (found, version)
            for version in versions
            if len(version) <= _VERSION_MAX_CHARACTERS and (found := key(ecosystem, version))
        ),
        key=lambda pair: pair[0].order,
    )
    stable = [version for found, version in sorted_versions if found.stable]
    return stable[-1] if stable else "", sorted_versions[-1][1] if sorted_versions else ""


def _pypi(_name: str, body: bytes) -> Iterator[str]:
    """Yield the versions of a project with a file that is not yanked."""
    for file in rows(json_document(body).get("files")):
        if not file.get("yanked"):
            version = _version_of_file(named(file.get("filename")))
            if version:
                yield version


def _version_of_file(filename: str) -> str:
    try:
        if filename.endswith(".whl"):
            return str(parse_wheel_filename(filename)[1])
        return str(parse_sdist_filename(filename)[1])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def _npm(_name: str, body: bytes) -> Iterator[str]:
    """Yield the version that its author calls the latest, and pre-releases under other names."""
    for tag, version in json_document(body).items():
        found = key("npm", version) if isinstance(version, str) else None
        if found and (tag == "latest" or not found.stable):
            yield str(version)


def _cargo(_name: str, body: bytes) -> Iterator[str]:
    for line in text(body).splitlines():
        release = json_document(line.encode())
        if release.get("yanked") is not True:
            yield named(release.get("vers"))


def _cargo_path(name: str) -> str:
    low = name.lower()
    folder = str(len(low)) if len(low) < 3 else f"3/{low[0]}" if len(low) == 3 else f"{low[:2]}/{low[2:4]}"
    return f"{quote(folder)}/{quote(low, safe='')}"


def _go(_name: str, body: bytes) -> Iterator[str]:
    yield named(json_document(body).get("Version"))


def _go_path(name: str) -> str:
    escaped = re.sub(r"[A-Z]", lambda letter: f"!{letter[0].lower()}", name)
    return f"{quote(escaped, safe='/!~.-_')}/@latest"


def _gem(_name: str, body: bytes) -> Iterator[str]:
    """Yield the versions of the compact index, which has no yanked ones; a platform follows a hyphen."""
    for line in text(body).splitlines():
        version = line.partition(" ")[0].partition("-")[0]
        if version:
            yield version


def _composer(name: str, body: bytes) -> Iterator[str]:
    packages = table(json_document(body), "packages")
    for release in rows(packages.get(name.lower()) or packages.get(name)):
        yield named(release.get("version"))


def _maven(_name: str, body: bytes) -> list[str]:
    metadata = _Metadata()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = metadata.start
    parser.EndElementHandler = metadata.end
    parser.CharacterDataHandler = metadata.characters
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise Unreadable("not XML") from None
    return metadata.versions


def _maven_path(name: str) -> str:
    group, _, artifact = name.partition(":")
    return f"{quote(group.replace('.', '/'))}/{quote(artifact, safe='')}/maven-metadata.xml"


@dataclass
class _Metadata:
    """Collects what stands in `version` elements while expat reads."""

    versions: list[str] = field(default_factory=list)
    _text: str | None = None

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._text = "" if tag == "version" else None

    def characters(self, found: str) -> None:
        if self._text is not None:
            self._text = (self._text + found)[: _VERSION_MAX_CHARACTERS + 1]

    def end(self, _tag: str) -> None:
        if self._text is not None:
            self.versions.append(self._text.strip())
        self._text = None


def _refuse(*_declaration: object) -> None:
    raise Unreadable("it declares a document type")


REGISTRIES: dict[str, Registry] = {
    "pypi": Registry(lambda name: f"{quote(canonicalize_name(name), safe='')}/", _pypi, _SIMPLE_JSON),
    "npm": Registry(lambda name: f"-/package/{quote(name, safe='@')}/dist-tags", _npm),
    "cargo": Registry(_cargo_path, _cargo),
    "golang": Registry(_go_path, _go),
    "gem": Registry(lambda name: f"info/{quote(name, safe='')}", _gem),
    "composer": Registry(lambda name: f"p2/{quote(name.lower(), safe='/')}.json", _composer),
    "maven": Registry(_maven_path, _maven),
}
