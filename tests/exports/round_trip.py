"""A session to a document and back, without a worker in between; and what of two documents must be equal."""

import json
from typing import Any

from django.utils import timezone

from exports_app.document import freeze
from exports_app.formats import FORMATS
from exports_app.interchange import reading, restoring
from exports_app.options import ExportOptions
from sessions_app.models import ChatSession

_RESTORED = {"streaming": "interrupted"}
_NOT_FINISHED = {"code": "not_finished", "message": "It had not ended when the chat was exported."}


def exported(session: ChatSession, **options: Any) -> Any:
    """Return the JSON document of a session."""
    document = freeze(session.pk, options=ExportOptions(**options), now=timezone.now())
    written: list[str] = []
    FORMATS["json"].render(document, written.append, lambda number: None)
    return json.loads("".join(written))


def imported(owner: Any, document: Any) -> ChatSession:
    """Return the session that a document gives, which is sent as text."""
    return restoring.restore(owner, reading.read(reading.parsed(json.dumps(document).encode())))


def comparable(document: Any) -> Any:
    """Return a document without what is another session's own: ids are counted, places are ranks."""
    rows = [*document["messages"], *document["tool_calls"], *document["subagents"]]
    ranks = {seq: rank for rank, seq in enumerate(sorted({row["seq"] for row in rows}))}
    ids: dict[str, int] = {}
    for row in rows:
        row["seq"] = ranks[row["seq"]]
        for name in ("id", "turn_id", "subagent_id"):
            if row.get(name) is not None:
                row[name] = ids.setdefault(row[name], len(ids))
        for file in row.get("files", ()):
            file["id"] = ids.setdefault(file["id"], len(ids))
    for name in ("id", "owner", "exported_at"):
        del document["session"][name]
    del document["usage"]
    return document


def ended(document: Any) -> Any:
    """Return a document as it is restored: what had not ended has."""
    for message in document["messages"]:
        message["state"] = _RESTORED.get(message["state"], message["state"])
    for call in document["tool_calls"]:
        if call["state"] == "running":
            call |= {"state": "failed", "error": _NOT_FINISHED, "duration_ms": 0}
    for subagent in document["subagents"]:
        if subagent["state"] in ("queued", "admitted", "running"):
            begun = subagent["started_at"] is not None
            last = subagent["started_at"] or subagent["queued_at"]
            subagent |= {"state": "cancelled", "error": _NOT_FINISHED, "finished_at": last}
            subagent["duration_ms"] = 0 if begun else None
    return document
