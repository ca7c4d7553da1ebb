"""JSON, streamed: the whole session is never in memory. Its schema is `exports_app/interchange`'s newest."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from exports_app.document import SessionDocument
from exports_app.formats import Tick, Write, export_format
from exports_app.interchange.schema import SCHEMA_VERSION

_BARE_CALL = ("tool_name", "state", "result", "error")
_BARE_SUBAGENT = ("tool_name", "title", "state", "result", "error")


@export_format(name="json", title="JSON", content_type="application/json", suffix=".json")
def render_json(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write what the session is, then its messages, fast calls and subagents, a row a line."""
    write(f'{{"schema_version": {SCHEMA_VERSION}')
    for name, value in _head(document).items():
        write(f',\n"{name}": {_dump(value)}')
    wanted = document.options.include_tools
    lists: tuple[tuple[str, Iterator[Any], tuple[str, ...], Tick], ...] = (
        ("messages", document.messages(), ("role", "content"), tick),
        ("tool_calls", document.tool_calls() if wanted else iter(()), _BARE_CALL, _untold),
        ("subagents", document.subagents() if wanted else iter(()), _BARE_SUBAGENT, _untold),
    )
    for name, rows, bare, told in lists:
        write(f',\n"{name}": [')
        for number, row in enumerate(rows, start=1):
            write((",\n" if number > 1 else "\n") + _row(row, document.options.include_metadata, bare))
            told(number)
        write("\n]")
    write("}\n")


def _head(document: SessionDocument) -> dict[str, Any]:
    """Return what stands before the lists."""
    if not document.options.include_metadata:
        return {"session": {"title": document.title}}
    names = ("id", "title", "model", "owner", "created_at", "exported_at", "message_count")
    return {
        "session": {name: getattr(document, name) for name in names},
        "options": document.options.stored(),
        "usage": document.usage,
    }


def _row(row: Any, include_metadata: bool, bare: tuple[str, ...]) -> str:
    names = [field.name for field in dataclasses.fields(row)] if include_metadata else bare
    return _dump({name: getattr(row, name) for name in names})


def _untold(number: int) -> None:
    """Progress is told by messages."""


def _dump(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    """Return an id or a time as text; a time keeps its microseconds: durations stay."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
