"""Text and JSON that every store and every reader takes: no half surrogate pairs, no NUL, no NaN."""

import json
import re
from typing import Any

# PostgreSQL's jsonb refuses it; an escaped backslash before it makes it plain text.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def text(value: str, limit: int | None = None) -> str:
    """Return `value` with what cannot be stored taken out or replaced, cut to `limit` characters."""
    return value[:limit].encode("utf-8", "replace").decode().replace("\x00", "")


def cleaned(value: Any) -> Any:
    """Return JSON with each of its texts as `text` returns it."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {text(name): cleaned(item) for name, item in value.items()}
    return value


def json_bytes(value: Any) -> int:
    """Return how many bytes `value` takes as JSON. Raises `ValueError` for what is not plain JSON."""
    try:
        dumped = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if _NUL.search(dumped):
        raise ValueError("a text has a NUL character")
    return len(dumped.encode())
