"""PHP: composer.json."""

from collections.abc import Iterator

from agents_app.codebase.dependencies.javascript import json_document
from agents_app.codebase.dependencies.model import DEV, RUNTIME, Dependency, table, versioned


def composer(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read composer.json; the language and its extensions (`php`, `ext-…`) are no packages."""
    document = json_document(data)
    for key, scope in (("require", RUNTIME), ("require-dev", DEV)):
        for name, version in table(document, key).items():
            if "/" in name:
                yield Dependency("composer", name, versioned(version), scope)
