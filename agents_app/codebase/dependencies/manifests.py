"""Which files are manifests or lock files, and reading one of them."""

import re
from itertools import islice
from typing import TypedDict

from agents_app.codebase.dependencies import (
    go,
    gradle,
    javascript,
    javascript_locks,
    maven,
    php,
    python,
    python_locks,
    ruby,
    rust,
)
from agents_app.codebase.dependencies.model import (
    NAME_MAX_CHARACTERS,
    VERSION_MAX_CHARACTERS,
    Dependency,
    Reader,
    Unreadable,
    without_secrets,
)
from agents_app.wording.escaping import clean

MAX_BYTES = 512 * 1024
LOCK_MAX_BYTES = 8 * 1024 * 1024
MAX_DEPENDENCIES = 2_000
LOCK_MAX_DEPENDENCIES = 20_000
_MAX_INCLUDES = 50
_REQUIREMENTS = re.compile(r"(?:^|/)(?:[\w.-]*requirements[\w.-]*|requirements/[\w.-]+)\.txt$")
_READERS: dict[str, Reader] = {
    "pyproject.toml": python.pyproject,
    "Pipfile": python.pipfile,
    "setup.cfg": python.setup_cfg,
    "setup.py": python.setup_py,
    "package.json": javascript.package,
    "go.mod": go.module,
    "Cargo.toml": rust.cargo,
    "pom.xml": maven.pom,
    "build.gradle": gradle.build,
    "build.gradle.kts": gradle.build,
    "libs.versions.toml": gradle.catalogue,
    "Gemfile": ruby.gemfile,
    "composer.json": php.composer,
}
_LOCK_READERS: dict[str, Reader] = {
    "poetry.lock": python_locks.toml_lock,
    "uv.lock": python_locks.toml_lock,
    "pdm.lock": python_locks.toml_lock,
    "pylock.toml": python_locks.toml_lock,
    "Pipfile.lock": python_locks.pipfile_lock,
    "package-lock.json": javascript_locks.npm_lock,
    "npm-shrinkwrap.json": javascript_locks.npm_lock,
    "yarn.lock": javascript_locks.yarn_lock,
    "pnpm-lock.yaml": javascript_locks.pnpm_lock,
    "Cargo.lock": rust.lock,
    "gradle.lockfile": gradle.lock,
    "Gemfile.lock": ruby.lock,
    "composer.lock": php.lock,
}


class Manifest(TypedDict):
    """What one file says: (ecosystem, name, version, scope) of each dependency, or why nothing.

    `includes` are the paths of other files that it reads as parts of itself.
    """

    dependencies: list[tuple[str, str, str, str]]
    includes: list[str]
    unreadable: str


def is_manifest(path: str) -> bool:
    """Say whether `path` is a file in which people declare dependencies."""
    return path.rpartition("/")[2] in _READERS or bool(_REQUIREMENTS.search(path))


def is_lock(path: str) -> bool:
    """Say whether `path` is a file in which a tool writes down all that it has chosen."""
    return path.rpartition("/")[2] in _LOCK_READERS


def max_bytes(path: str) -> int:
    """Return how large the file `path` may be to be read."""
    return LOCK_MAX_BYTES if is_lock(path) else MAX_BYTES


def read(path: str, data: bytes) -> Manifest:
    """Read the file `path`; a name that is none of the known ones is taken for a requirements file.

    At most `MAX_DEPENDENCIES`, or `LOCK_MAX_DEPENDENCIES` of a lock file, are taken from one file.
    """
    name = path.rpartition("/")[2]
    reader = _READERS.get(name) or _LOCK_READERS.get(name, python.requirements)
    limit = LOCK_MAX_DEPENDENCIES if is_lock(path) else MAX_DEPENDENCIES
    try:
        found = [_row(dependency) for dependency in islice(reader(path, data), limit)]
    except Unreadable as reason:
        return Manifest(dependencies=[], includes=[], unreadable=str(reason))
    includes = python.included(path, data)[:_MAX_INCLUDES] if reader is python.requirements else []
    return Manifest(dependencies=[row for row in found if row[1]], includes=includes, unreadable="")


def _row(dependency: Dependency) -> tuple[str, str, str, str]:
    version = clean(without_secrets(dependency.version.strip()), VERSION_MAX_CHARACTERS)
    return dependency.ecosystem, clean(dependency.name, NAME_MAX_CHARACTERS), version, dependency.scope
