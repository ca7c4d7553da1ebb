"""Which files are manifests, and reading one of them."""

import re
from itertools import islice
from typing import TypedDict

from agents_app.codebase.dependencies import go, java, javascript, php, python, ruby, rust
from agents_app.codebase.dependencies.model import (
    NAME_MAX_CHARACTERS,
    VERSION_MAX_CHARACTERS,
    Dependency,
    Reader,
    Unreadable,
    without_secrets,
)
from agents_app.codebase.escaping import clean

MAX_BYTES = 512 * 1024
MAX_DEPENDENCIES = 2_000
_REQUIREMENTS = re.compile(r"(?:^|/)(?:[\w.-]*requirements[\w.-]*|requirements/[\w.-]+)\.txt$")
_READERS: dict[str, Reader] = {
    "pyproject.toml": python.pyproject,
    "Pipfile": python.pipfile,
    "setup.cfg": python.setup_cfg,
    "package.json": javascript.package,
    "go.mod": go.module,
    "Cargo.toml": rust.cargo,
    "pom.xml": java.pom,
    "build.gradle": java.gradle,
    "build.gradle.kts": java.gradle,
    "Gemfile": ruby.gemfile,
    "composer.json": php.composer,
}


class Manifest(TypedDict):
    """What one manifest says: (ecosystem, name, version, scope) of each dependency, or why nothing."""

    dependencies: list[tuple[str, str, str, str]]
    unreadable: str


def is_manifest(path: str) -> bool:
    """Say whether `path` is a file that `read` understands."""
    return path.rpartition("/")[2] in _READERS or bool(_REQUIREMENTS.search(path))


def read(path: str, data: bytes) -> Manifest:
    """Read the manifest `path`; at most `MAX_DEPENDENCIES` are taken from one file."""
    reader = _READERS.get(path.rpartition("/")[2], python.requirements)
    try:
        found = [_row(dependency) for dependency in islice(reader(path, data), MAX_DEPENDENCIES)]
    except Unreadable as reason:
        return Manifest(dependencies=[], unreadable=str(reason))
    return Manifest(dependencies=[row for row in found if row[1]], unreadable="")


def _row(dependency: Dependency) -> tuple[str, str, str, str]:
    version = clean(without_secrets(dependency.version.strip()), VERSION_MAX_CHARACTERS)
    return dependency.ecosystem, clean(dependency.name, NAME_MAX_CHARACTERS), version, dependency.scope
