"""What a session's snapshot tells of its turns, for a page that opens."""

from typing import Any
from uuid import UUID

from agents_app.models import Turn
from agents_app.presentation import turn_payload
from sessions_app import branches
from sessions_app.models import Event
from sessions_app.payloads import TurnPayload


def unfinished(session_id: UUID) -> dict[str, Any] | None:
    """Return the session's unfinished turn, if there is one."""
    turn = Turn.objects.filter(session_id=session_id).unfinished().first()
    return None if turn is None else dict(turn_payload(turn)) | {"state": turn.state}


def answers(session_id: UUID) -> list[TurnPayload]:
    """Return the ended turns of the session that asked a model, with what they took."""
    asked = Turn.objects.filter(session_id=session_id, finished_at__isnull=False, requests__gt=0)
    return [turn_payload(turn) for turn in asked.defer("steps").order_by("created_at")]


def notices(session_id: UUID) -> list[dict[str, Any]]:
    """Return how turns of the session failed or were cancelled, with their place in it."""
    kinds = ["turn.failed", "turn.cancelled", "turn.withheld"]
    ended = Event.objects.filter(branches.shown(session_id), session_id=session_id, kind__in=kinds)
    return [
        {
            "turn_id": event.payload.get("turn_id"),
            "seq": event.seq,
            "kind": event.kind.removeprefix("turn."),
            "error": event.payload.get("error"),
        }
        for event in ended.order_by("seq")
    ]
