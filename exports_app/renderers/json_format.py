"""JSON, streamed: the whole session is never in memory."""

import dataclasses
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from exports_app.document import SessionDocument
from exports_app.formats import Tick, Write, export_format

SCHEMA_VERSION = 1


@export_format(name="json", title="JSON", content_type="application/json", suffix=".json")
def render_json(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write `{"schema_version", "session", "messages", "subagents"}`, a row a line."""
    write(f'{{"schema_version": {SCHEMA_VERSION},\n"session": {_dump(_session(document))},\n"messages": [')
    for number, message in enumerate(document.messages(), start=1):
        write("\n" if number == 1 else ",\n")
        write(_dump(_row(message, document.options.include_metadata, ("role", "content"))))
        tick(number)
    write('\n],\n"subagents": [')
    for number, subagent in enumerate(document.subagents(), start=1):
        write("\n" if number == 1 else ",\n")
        write(
            _dump(
                _row(subagent, document.options.include_metadata, ("tool_name", "title", "state", "result"))
            )
        )
    write("\n]}\n")


def _session(document: SessionDocument) -> dict[str, Any]:
    if not document.options.include_metadata:
        return {"title": document.title}
    names = ("id", "title", "model", "owner", "created_at", "exported_at", "message_count")
    return {name: getattr(document, name) for name in names}


def _row(row: Any, include_metadata: bool, bare: tuple[str, ...]) -> dict[str, Any]:
    fields = dataclasses.asdict(row)
    return fields if include_metadata else {name: fields[name] for name in bare}


def _dump(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
