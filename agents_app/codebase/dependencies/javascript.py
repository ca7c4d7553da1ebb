"""JavaScript and TypeScript: package.json."""

from collections.abc import Iterator

from agents_app.codebase.dependencies.documents import json_document
from agents_app.codebase.dependencies.model import (
    DEV,
    OPTIONAL,
    PEER,
    RUNTIME,
    Dependency,
    table,
    versioned,
)

_SCOPES = {
    "dependencies": RUNTIME,
    "devDependencies": DEV,
    "optionalDependencies": OPTIONAL,
    "peerDependencies": PEER,
}


def package(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read package.json."""
    document = json_document(data)
    for key, scope in _SCOPES.items():
        for name, version in table(document, key).items():
            yield Dependency("npm", name, versioned(version), scope)
