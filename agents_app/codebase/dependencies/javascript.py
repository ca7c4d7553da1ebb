"""JavaScript and TypeScript: package.json."""

import json
from collections.abc import Iterator

from agents_app.codebase.dependencies.model import (
    DEV,
    OPTIONAL,
    PEER,
    RUNTIME,
    Dependency,
    Unreadable,
    table,
    text,
    versioned,
)

_SCOPES = {
    "dependencies": RUNTIME,
    "devDependencies": DEV,
    "optionalDependencies": OPTIONAL,
    "peerDependencies": PEER,
}


def json_document(data: bytes) -> dict[str, object]:
    """Return a JSON object; raises `Unreadable` for anything else."""
    try:
        document = json.loads(text(data))
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document


def package(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read package.json."""
    document = json_document(data)
    for key, scope in _SCOPES.items():
        for name, version in table(document, key).items():
            yield Dependency("npm", name, versioned(version), scope)
