"""Java and Kotlin: build.gradle of Gradle (string and map notations), libs.versions.toml, gradle.lockfile."""

import re
from collections.abc import Iterator

from agents_app.codebase.dependencies.documents import toml_document
from agents_app.codebase.dependencies.model import (
    DEV,
    PEER,
    RUNTIME,
    TRANSITIVE,
    Dependency,
    named,
    table,
    text,
)

_HOW = r"^\s*(?P<how>[a-z]\w{0,60})\s*\(?\s*"
_STRING = re.compile(
    _HOW + r"(?:(?:enforcedP|p)latform\s*\(\s*)?"
    r"[\"'](?P<group>[\w.-]{1,200}):(?P<name>[\w.-]{1,200})(?::(?P<version>[^\"':@]{1,100}))?",
    re.MULTILINE,
)
_MAP = re.compile(
    _HOW
    + r"group\s*[:=]\s*[\"'](?P<group>[\w.-]{1,200})[\"'],\s*name\s*[:=]\s*[\"'](?P<name>[\w.-]{1,200})[\"']"
    r"(?:,\s*version\s*[:=]\s*[\"'](?P<version>[^\"':@]{1,100})[\"'])?",
    re.MULTILINE,
)
_NO_DEPENDENCY = {"id", "classpath", "url", "exclude", "version", "name"}
_FOR_DEVELOPERS = re.compile(r"(?:test|androidTest|kapt|ksp|annotationProcessor|debug|developmentOnly)\w*")
_LOCKED = re.compile(r"(?P<name>[\w.-]{1,200}:[\w.-]{1,200}):(?P<version>[^=:\s]{1,100})=.*")


def build(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read the dependencies that build.gradle or build.gradle.kts writes out."""
    content = text(data)
    for match in [*_STRING.finditer(content), *_MAP.finditer(content)]:
        how = match["how"]
        if how in _NO_DEPENDENCY:
            continue
        scope = PEER if how == "compileOnly" else DEV if _FOR_DEVELOPERS.match(how) else RUNTIME
        yield Dependency("maven", f"{match['group']}:{match['name']}", match["version"] or "", scope)


def catalogue(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read the libraries of a version catalogue (libs.versions.toml)."""
    document = toml_document(data)
    versions = {name: _rich(value) for name, value in table(document, "versions").items()}
    for value in table(document, "libraries").values():
        if isinstance(value, str):
            group, _, rest = value.partition(":")
            name, _, version = rest.partition(":")
            yield Dependency("maven", f"{group}:{name}", version, RUNTIME)
        else:
            yield _library(table(value), versions)


def lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read gradle.lockfile."""
    for line in text(data).splitlines():
        match = _LOCKED.fullmatch(line)
        if match:
            yield Dependency("maven", match["name"], match["version"], TRANSITIVE)


def _library(library: dict[str, object], versions: dict[str, str]) -> Dependency:
    name = named(library.get("module")) or f"{named(library.get('group'))}:{named(library.get('name'))}"
    reference = named(table(library.get("version")).get("ref"))
    version = versions.get(reference, "") if reference else _rich(library.get("version"))
    return Dependency("maven", name, version, RUNTIME)


def _rich(value: object) -> str:
    """Return the version that a string or a table (strictly, require, prefer) asks for."""
    choices = table(value)
    return named(value) or next(
        (named(choices[key]) for key in ("strictly", "require", "prefer") if named(choices.get(key))), ""
    )
