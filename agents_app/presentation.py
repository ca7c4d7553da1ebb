"""Rows as the event contract shows them."""

from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate
from typing import Any, cast
from uuid import UUID

from agents_app import places, spending
from agents_app.files.presentation import Delivered, delivered_by
from agents_app.models import Approval, Subagent, ToolCall, Turn
from agents_app.places import Place
from sessions_app.events import announce, json_bytes
from sessions_app.markdown import render
from sessions_app.payloads import (
    PAYLOAD_MAX_BYTES,
    ApprovalPayload,
    Error,
    FilePayload,
    SubagentPayload,
    SubagentProgress,
    ToolCallPayload,
    TurnPayload,
)

ARGUMENTS_MAX_BYTES = 4096
RESULT_MAX_BYTES = 6144
SUMMARY_SHOWN_CHARACTERS = 1000
_NOTHING = Delivered()


def subagent_payloads(subagents: Iterable[Subagent]) -> list[SubagentPayload]:
    """Return many subagents as they stand, with few queries."""
    rows = list(subagents)
    found = places.of_all(rows)
    delivered = delivered_by(row.pk for row in rows if row.started_at)
    return [subagent_payload(row, found.get(row.pk), delivered.get(row.pk, _NOTHING)) for row in rows]


def subagent_payload(
    subagent: Subagent, place: Place | None = None, delivered: Delivered | None = None
) -> SubagentPayload:
    """Return a subagent as it stands; arguments and results that are too large are left out and say so.

    Its place in the queue and its files are looked up if they are not given.
    """
    place = place or places.of(subagent)
    if delivered is None:
        delivered = delivered_by([subagent.pk] if subagent.started_at else []).get(subagent.pk, _NOTHING)
    payload: SubagentPayload = {
        "subagent_id": str(subagent.pk),
        "seq": subagent.seq,
        "turn_id": str(subagent.turn_id) if subagent.turn_id else None,
        "agent_type": subagent.agent_type,
        "pool": subagent.pool_id,
        "tool_name": subagent.tool_name,
        "title": subagent.title,
        "args": bounded(subagent.args, ARGUMENTS_MAX_BYTES),
        "state": subagent.state,
        "attempt": subagent.attempt,
        "progress": round(subagent.progress, 1),
        "stage": subagent.stage,
        "estimated_seconds_left": subagent.estimated_seconds_left,
        "queue_position": place.position if place else None,
        "estimated_wait_seconds": place.wait_seconds if place else None,
        "cancel_requested": subagent.cancel_requested_at is not None,
        "queued_at": subagent.queued_at.isoformat(),
        "started_at": _iso(subagent.started_at),
        "finished_at": _iso(subagent.finished_at),
        "queue_ms": milliseconds(subagent.queued_at, subagent.started_at),
        "duration_ms": milliseconds(subagent.started_at, subagent.finished_at),
        "result": _without_data(subagent.result),
        "summary_html": _summary_html(subagent.result),
        "has_report": bool(subagent.report),
        "error": subagent.error,
        "files": [],
        "files_total": delivered.total,
    }
    if delivered.files:
        payload["files"] = _fitting(delivered.files, PAYLOAD_MAX_BYTES - json_bytes(payload))
    return payload


def turn_payload(turn: Turn) -> TurnPayload:
    """Return a turn as it stands."""
    payload: TurnPayload = {"turn_id": str(turn.pk), "model": turn.model, "attempt": turn.attempt}
    duration = milliseconds(turn.started_at, turn.finished_at)
    if duration is not None:
        payload["duration_ms"] = duration
        payload["usage"] = spending.payload(turn)
    if turn.error:
        payload["error"] = turn.error
    return payload


def tool_payload(call: ToolCall, *, whole: bool = False) -> ToolCallPayload:
    """Return a fast call as it stands; a large result is left out unless it is wanted `whole`."""
    payload: ToolCallPayload = {
        "call_id": str(call.pk),
        "seq": call.seq,
        "turn_id": str(call.turn_id) if call.turn_id else None,
        "tool_name": call.tool_name,
        "title": call.tool_name.replace("_", " ").capitalize(),
        "args": bounded(call.args, ARGUMENTS_MAX_BYTES),
        "state": call.state,
        "created_at": call.created_at.isoformat(),
    }
    duration = milliseconds(call.created_at, call.finished_at)
    if duration is not None:
        payload["duration_ms"] = duration
    if call.result is not None:
        payload["result"] = call.result if whole else bounded(call.result, RESULT_MAX_BYTES)
    if call.error:
        payload["error"] = cast(Error, call.error)
    if call.subagent_id is not None:
        payload["subagent_id"] = str(call.subagent_id)
    return payload


def approval_payload(asked: Approval) -> ApprovalPayload:
    """Return a call that was asked for as it stands."""
    return {
        "approval_id": str(asked.pk),
        "seq": asked.seq,
        "turn_id": str(asked.turn_id),
        "tool_name": asked.tool_name,
        "title": asked.tool_name.replace("_", " ").capitalize(),
        "args": bounded(asked.args, ARGUMENTS_MAX_BYTES),
        "edited": asked.edited,
        "state": asked.state,
        "scope": asked.scope,
        "reason": asked.reason,
        "created_at": asked.created_at.isoformat(),
    }


def announce_place(session_id: UUID, subagent_id: UUID, place: Place) -> None:
    """Tell the feed the place in the queue of a subagent that waits."""
    payload: SubagentProgress = {
        "subagent_id": str(subagent_id),
        "progress": 0,
        "stage": "",
        "estimated_seconds_left": None,
        "queue_position": place.position,
        "estimated_wait_seconds": place.wait_seconds,
    }
    announce(session_id, "subagent.progress", payload)


def bounded(value: Any, limit: int) -> Any:
    """Return `value`, or a note in its place if its JSON is over `limit` bytes."""
    size = json_bytes(value)
    return value if size <= limit else {"truncated": True, "bytes": size}


def milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    """Return the time between two moments in milliseconds, if both are known."""
    return None if start is None or end is None else round((end - start).total_seconds() * 1000)


def _without_data(result: Any) -> Any:
    """Leave a result's data to REST (`GET /api/subagents/{id}/`): it may be large."""
    if not isinstance(result, dict):
        return None
    return bounded({name: value for name, value in result.items() if name != "data"}, RESULT_MAX_BYTES)


def _summary_html(result: Any) -> str:
    summary = result.get("summary") if isinstance(result, dict) else None
    return render(summary[:SUMMARY_SHOWN_CHARACTERS]) if isinstance(summary, str) else ""


def _fitting(files: list[FilePayload], room: int) -> list[FilePayload]:
    """Return the first files that have room in an event, in bytes."""
    ends = accumulate(json_bytes(file) + 1 for file in files)
    return [file for file, end in zip(files, ends, strict=True) if end <= room]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
