"""A chat session as a frozen document: all that a renderer sees."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agents_app.models import Subagent
from sessions_app import branches
from sessions_app.models import ChatSession, Message
from sessions_app.querysets import Ranges, within


@dataclass(frozen=True, kw_only=True)
class DocumentMessage:
    """A message as it stood."""

    id: UUID
    role: str
    state: str
    content: str
    created_at: datetime
    subagent_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class DocumentSubagent:
    """A subagent as it stood, with what it was given and what it gave back."""

    id: UUID
    tool_name: str
    title: str
    state: str
    args: Any
    result: Any
    error: Any
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SessionDocument:
    """A session up to the moment of the export: `messages()` streams the first `message_count` of them."""

    id: UUID
    title: str
    model: str
    owner: str
    created_at: datetime
    exported_at: datetime
    message_count: int
    last_seq: int
    include_metadata: bool
    ranges: Ranges | None = None
    """The places of the branch that was shown; none if the session is one line."""

    def messages(self) -> Iterator[DocumentMessage]:
        """Yield the messages in order, read in chunks."""
        rows = Message.objects.filter(
            within(self.ranges), session_id=self.id, seq__lte=self.last_seq
        ).in_order()
        for row in rows.iterator(chunk_size=500):
            yield DocumentMessage(
                id=row.pk,
                role=row.role,
                state=row.state,
                content=row.content,
                created_at=row.created_at,
                subagent_id=row.subagent_id,
            )

    def subagents(self) -> Iterator[DocumentSubagent]:
        """Yield the tool executors' work in order, read in chunks."""
        rows = Subagent.objects.filter(
            within(self.ranges), session_id=self.id, seq__lte=self.last_seq, agent_type="tool_executor"
        )
        for row in rows.order_by("seq").iterator(chunk_size=100):
            yield DocumentSubagent(
                id=row.pk,
                tool_name=row.tool_name,
                title=row.title,
                state=row.state,
                args=row.args,
                result=row.result,
                error=row.error,
                queued_at=row.queued_at,
                started_at=row.started_at,
                finished_at=row.finished_at,
            )


def freeze(session_id: UUID, *, include_metadata: bool, now: datetime) -> SessionDocument:
    """Return the session as it stands now; what is said later is not in it."""
    session = ChatSession.objects.select_related("owner").get(pk=session_id)
    ranges = branches.current(session)
    messages = session.messages.all().placed(ranges).filter(seq__lte=session.last_seq)
    return SessionDocument(
        id=session.pk,
        title=str(session),
        model=session.model,
        owner=session.owner.get_username(),
        created_at=session.created_at,
        exported_at=now,
        message_count=messages.count(),
        last_seq=session.last_seq,
        include_metadata=include_metadata,
        ranges=ranges,
    )
