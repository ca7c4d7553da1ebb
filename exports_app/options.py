"""What can be chosen of an export, at every door alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from sessions_app.errors import Refusal

_CHOICES = {"page_size": ("a4", "letter"), "theme": ("light", "dark")}
_NUMBER_AT_MOST = 10**9


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """The choices. Numbers of messages count from 1 and are both included; None is the session's end."""

    include_metadata: bool = True
    include_tools: bool = True
    first_message: int | None = None
    last_message: int | None = None
    page_size: Literal["a4", "letter"] = "a4"
    theme: Literal["light", "dark"] = "light"

    def stored(self) -> dict[str, Any]:
        """Return what is kept in a row; `read` gives back the same options."""
        return asdict(self)


_NUMBER = {"type": "integer", "minimum": 1, "maximum": _NUMBER_AT_MOST, "nullable": True}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "include_metadata": {"type": "boolean", "default": True, "description": "times, ids, models, cost"},
        "include_tools": {"type": "boolean", "default": True, "description": "tool calls and subagents"},
        "first_message": {**_NUMBER, "description": "number of the first message, from 1"},
        "last_message": {**_NUMBER, "description": "number of the last message, which is included"},
        "page_size": {"type": "string", "enum": list(_CHOICES["page_size"]), "default": "a4"},
        "theme": {"type": "string", "enum": list(_CHOICES["theme"]), "default": "light"},
    },
}
"""As OpenAPI shows them."""

NAMES = tuple(field.name for field in fields(ExportOptions))


def read(options: object) -> ExportOptions:
    """Return options as they came from a client, a model or a row. Raises `Refusal` (`invalid_options`)."""
    if not isinstance(options, Mapping):
        raise _refused("The options of an export are an object.")
    unknown = [str(name)[:40] for name in options if name not in NAMES]
    if unknown:
        raise _refused(f"There is no option {unknown[0]!r}. Options: {', '.join(NAMES)}.")
    for name, value in options.items():
        _check(name, value)
    chosen = ExportOptions(**options)
    first, last = chosen.first_message, chosen.last_message
    if first is not None and last is not None and first > last:
        raise _refused(f"The export would begin with message {first} and end with message {last}.")
    return chosen


def require_messages(options: ExportOptions, count: int) -> None:
    """Refuse a range that has none of a session's `count` messages. Raises `Refusal` (`invalid_options`)."""
    first = options.first_message or 1
    if first > count and (options.first_message or options.last_message):
        raise _refused(f"The chat has {count} messages; the export would begin with message {first}.")


def _check(name: str, value: object) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise _refused(f"{name} is one of {', '.join(_CHOICES[name])}.")
    elif name in ("first_message", "last_message"):
        number = value is None or (type(value) is int and 1 <= value <= _NUMBER_AT_MOST)
        if not number:
            raise _refused(f"{name} is the number of a message, from 1.")
    elif not isinstance(value, bool):
        raise _refused(f"{name} is true or false.")


def _refused(detail: str) -> Refusal:
    return Refusal("invalid_options", detail)
