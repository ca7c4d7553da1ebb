"""What a manifest is read into."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

VERSION_MAX_CHARACTERS = 100
NAME_MAX_CHARACTERS = 200

RUNTIME, DEV, OPTIONAL, PEER, TRANSITIVE = "runtime", "dev", "optional", "peer", "transitive"


@dataclass(frozen=True)
class Dependency:
    """One line of a manifest or a lock file.

    `ecosystem` is a package URL type, `version` a version or constraint. `scope` is `runtime`, `dev` (tests
    and builds too), `optional`, `peer` (provided by others) or `transitive` (needed by another package; all
    in a lock file is taken for that until a manifest names it).
    """

    ecosystem: str
    name: str
    version: str
    scope: str


class Unreadable(Exception):
    """A manifest that its format does not allow; the message says why in a few words."""


Reader = Callable[[str, bytes], Iterator[Dependency]]
"""Takes a manifest's path and content; raises `Unreadable`."""


def text(data: bytes) -> str:
    """Return the text of a manifest; raises `Unreadable` unless it is UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None


def table(value: object, *keys: str) -> dict[str, object]:
    """Return the table (or JSON object) at `keys` below `value`, empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return {str(name): inner for name, inner in value.items()} if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    """Return the strings of a list, or nothing if `value` is no list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def without_secrets(version: str) -> str:
    """Return a version that may be an address without user, password and query, which can hold tokens."""
    return re.sub(r"\?[^#\s]*", "", re.sub(r"//[^/@\s]*@", "//", version))


def versioned(value: object) -> str:
    """Return the version that a string, or a table with `version` or a source, stands for."""
    if isinstance(value, str):
        return value
    inner = table(value)
    for key in ("version", "git", "url", "path"):
        if isinstance(inner.get(key), str):
            return str(inner[key])
    return ""


def named(value: object) -> str:
    """Return a string as it is and nothing for all else."""
    return value if isinstance(value, str) else ""


def rows(value: object) -> list[dict[str, object]]:
    """Return the tables of a list, or nothing if `value` is no list."""
    return [table(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []
