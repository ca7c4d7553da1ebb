"""Rust: Cargo.toml and Cargo.lock."""

from collections.abc import Iterator

from agents_app.codebase.dependencies.documents import toml_document
from agents_app.codebase.dependencies.model import (
    DEV,
    OPTIONAL,
    RUNTIME,
    TRANSITIVE,
    Dependency,
    named,
    rows,
    table,
    versioned,
)

_SCOPES = {"dependencies": RUNTIME, "dev-dependencies": DEV, "build-dependencies": DEV}


def cargo(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read Cargo.toml: a package's own dependencies, a workspace's, and those for certain targets."""
    document = toml_document(data)
    yield from _dependencies(document)
    yield from _dependencies(table(document, "workspace"))
    for target in table(document, "target").values():
        yield from _dependencies(table(target))


def lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read Cargo.lock; packages without a source are the workspace's own."""
    for package in rows(toml_document(data).get("package")):
        if package.get("source"):
            yield Dependency("cargo", named(package.get("name")), named(package.get("version")), TRANSITIVE)


def _dependencies(owner: dict[str, object]) -> Iterator[Dependency]:
    for key, scope in _SCOPES.items():
        for name, value in table(owner, key).items():
            details = table(value)
            version = "(of the workspace)" if details.get("workspace") is True else versioned(value)
            package = details.get("package")
            yield Dependency(
                "cargo",
                package if isinstance(package, str) else name,
                version,
                OPTIONAL if details.get("optional") is True else scope,
            )
