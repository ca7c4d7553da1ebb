"""PHP: composer.json and composer.lock."""

from collections.abc import Iterator

from agents_app.codebase.dependencies.documents import json_document
from agents_app.codebase.dependencies.model import (
    DEV,
    RUNTIME,
    TRANSITIVE,
    Dependency,
    named,
    rows,
    table,
    versioned,
)


def composer(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read composer.json; the language and its extensions (`php`, `ext-…`) are no packages."""
    document = json_document(data)
    for key, scope in (("require", RUNTIME), ("require-dev", DEV)):
        for name, version in table(document, key).items():
            if "/" in name:
                yield Dependency("composer", name, versioned(version), scope)


def lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read composer.lock."""
    document = json_document(data)
    for key in ("packages", "packages-dev"):
        for package in rows(document.get(key)):
            version = named(package.get("version")).removeprefix("v")
            yield Dependency("composer", named(package.get("name")), version, TRANSITIVE)
