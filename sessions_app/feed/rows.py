"""What the feed reads of the database, off the event loop."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sessions_app.events import encode
from sessions_app.feed.lines import Line
from sessions_app.feed.threads import in_thread
from sessions_app.models import ChatSession, Event, Message

REPLAY_ROWS = 500


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """The text of a message in flight as its row has it, at most half a second old."""

    message_id: str
    generation: int
    text: str


@in_thread
def lines_after(session_id: UUID, seq: int) -> list[Line]:
    """Return at most 500 events that follow `seq`."""
    rows = Event.objects.filter(session_id=session_id).after(seq)[:REPLAY_ROWS]
    return [Line(encode(event), event.seq, event.kind) for event in rows]


@in_thread
def last_seq(session_id: UUID) -> int:
    """Return the `seq` of the newest event. Raises `ChatSession.DoesNotExist`."""
    return ChatSession.objects.values_list("last_seq", flat=True).get(pk=session_id)


@in_thread
def last_seqs(session_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the `seq` of the newest event of each session that is there and was not deleted."""
    rows = ChatSession.objects.filter(pk__in=session_ids, deleted_at=None)
    return dict(rows.values_list("pk", "last_seq"))


@in_thread
def drafts(session_id: UUID) -> list[StoredDraft]:
    """Return the messages in flight."""
    rows = Message.objects.filter(session_id=session_id, state=Message.State.STREAMING)
    return [StoredDraft(str(row.pk), row.generation, row.content) for row in rows]
