"""Reads what the database and the writers' ledgers have when a run is over."""

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from sessions_app.models import ChatSession, Event
from tests.chaos import ledger
from tests.chaos_feed.evidence import Growth, Place, Row, Written, mark_of
from tests.chaos_feed.speech import SPOKEN
from tests.chaos_feed.writing import WRITTEN


def last_seqs(sessions: Iterable[str]) -> dict[str, int]:
    """Return the number of each session's newest event."""
    found = ChatSession.objects.filter(pk__in=list(sessions)).values_list("pk", "last_seq")
    return {str(pk): seq for pk, seq in found}


def rows(session: str) -> list[Row]:
    """Return a session's events."""
    return [
        _row(event) for event in Event.objects.filter(session_id=UUID(session)).order_by("seq").iterator()
    ]


def written(folder: Path) -> dict[Place, Written]:
    """Return what the writers committed."""
    return {
        (note["session"], int(seq)): Written(number=number, at=note["at"])
        for note in ledger.read(folder / WRITTEN)
        for seq, number in note["seqs"].items()
    }


def texts(folder: Path) -> dict[Growth, str]:
    """Return the texts that were announced, by message and generation."""
    return {(note["message"], note["generation"]): note["text"] for note in ledger.read(folder / SPOKEN)}


def _row(event: Event) -> Row:
    mark = mark_of(str(event.session_id), event.kind, event.payload, event.created_at.isoformat())
    return Row(seq=event.seq, mark=mark, number=event.payload.get("number", ""))
