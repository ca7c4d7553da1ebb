"""JavaScript: package-lock.json, npm-shrinkwrap.json, yarn.lock and pnpm-lock.yaml, of all versions."""

import re
from collections.abc import Iterator

from agents_app.codebase.dependencies.documents import json_document, yaml_document
from agents_app.codebase.dependencies.model import (
    TRANSITIVE,
    Dependency,
    Unreadable,
    named,
    table,
    text,
)

_YARN_HEAD = re.compile(r"\"?(?P<name>@?[^@\s\"]{1,200})@(?P<wanted>[^\s\",:]{0,100})[^\n]*:")
_YARN_VERSION = re.compile(r"  version:? \"?(?P<version>[^\"\s]{1,100})\"?")
_YARN_OWN = re.compile(r"(?:workspace|link|portal|file)\b")
_PNPM_OLD = re.compile(r"/?(?P<name>(?:@[^/]+/)?[^/@]+)/(?P<version>\d[^_(/]*)")
_PNPM = re.compile(r"/?(?P<name>@?[^@]+)@(?P<version>\d[^(]*)")


def npm_lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read package-lock.json or npm-shrinkwrap.json; the packages nearest to the root come first."""
    document = json_document(data)
    packages = table(document, "packages")
    found = _installed(packages) if packages else _nested(document)
    for name, version in found:
        yield Dependency("npm", name, version, TRANSITIVE)


def _installed(packages: dict[str, object]) -> Iterator[tuple[str, str]]:
    for path in sorted(packages, key=lambda path: path.count("node_modules/")):
        details = table(packages, path)
        _where, installed, name = path.rpartition("node_modules/")
        if installed and details.get("link") is not True:
            yield named(details.get("name")) or name, named(details.get("version"))


def _nested(document: dict[str, object]) -> Iterator[tuple[str, str]]:
    level = [document]
    while level:
        below = []
        for owner in level:
            for name, details in table(owner, "dependencies").items():
                yield name, named(table(details).get("version"))
                below.append(table(details))
        level = below


def yarn_lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read yarn.lock of any Yarn: an entry is a line of names and wanted versions, then its version."""
    content = text(data)
    if "yarn lockfile v1" not in content and "__metadata:" not in content:
        raise Unreadable("no lock file of Yarn")
    name = ""
    for line in content.splitlines():
        head, version = _YARN_HEAD.match(line), _YARN_VERSION.fullmatch(line)
        if head:
            name = "" if _YARN_OWN.match(head["wanted"]) else head["name"]
        elif version and name:
            yield Dependency("npm", name, version["version"], TRANSITIVE)
            name = ""


def pnpm_lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read pnpm-lock.yaml; packages are named `/name/1.0`, `/name@1.0` or `name@1.0` by the lock's age."""
    for key in table(yaml_document(data), "packages"):
        match = _PNPM.match(key) or _PNPM_OLD.match(key)
        if match:
            yield Dependency("npm", match["name"], match["version"], TRANSITIVE)
