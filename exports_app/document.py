"""A chat session as a frozen document: all that a renderer sees."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from agents_app import usage
from agents_app.context import ToolError
from agents_app.files.model import StoredFile
from agents_app.models import Subagent, ToolCall, Turn
from agents_app.presentation import milliseconds
from agents_app.querysets import IMPORTED
from exports_app.options import ExportOptions
from exports_app.pictures import links
from exports_app.pictures.attached import NO_FILES, Attachments
from sessions_app import branches
from sessions_app.models import ChatSession, Message
from sessions_app.querysets import MessageQuerySet, Ranges, within

MESSAGES_A_CHUNK = 500
# Their arguments and results are larger than what is said.
WORK_A_CHUNK = 50


@dataclass(frozen=True, kw_only=True)
class DocumentMessage:
    """A message as it stood; `model` is the one that was asked for it, empty for what a person said."""

    id: UUID
    seq: int
    number: int
    role: str
    state: str
    content: str
    created_at: datetime
    turn_id: UUID | None
    model: str
    subagent_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class DocumentToolCall:
    """A fast call as it stood."""

    id: UUID
    seq: int
    tool_name: str
    args: Any
    state: str
    result: Any
    error: Any
    created_at: datetime
    duration_ms: int | None


@dataclass(frozen=True, kw_only=True)
class DocumentSubagent:
    """A subagent as it stood, with what it was given and what it gave back.

    `files` are what its present attempt delivered: id, name, size, sha256 and content_type of each.
    """

    id: UUID
    seq: int
    tool_name: str
    title: str
    state: str
    attempt: int
    args: Any
    result: Any
    error: Any
    report: str
    files: list[dict[str, Any]]
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None


Entry = DocumentMessage | DocumentToolCall | DocumentSubagent
_Work = TypeVar("_Work", DocumentToolCall, DocumentSubagent)


@dataclass(frozen=True, kw_only=True)
class SessionDocument:
    """A session up to the moment of the export, read while it is rendered.

    Only what lies at `first_seq` to `last_seq` is in it: `message_count` messages, the first of which is
    number `first_number` of the session.
    """

    id: UUID
    title: str
    model: str
    owner: str
    owner_id: int
    created_at: datetime
    exported_at: datetime
    message_count: int
    first_number: int
    first_seq: int
    last_seq: int
    options: ExportOptions
    usage: Mapping[str, Any] | None = None
    """What the session took so far; None without metadata."""
    ranges: Ranges | None = None
    """The places of the branch that was shown; none if the session is one line."""
    pictures: Attachments = NO_FILES
    """The files that its messages and its work name."""

    def entries(self) -> Iterator[Entry]:
        """Yield messages, fast calls and subagents in the order in which they came about.

        Raises `ToolError` (`session_gone`).
        """
        if not self.options.include_tools:
            return iter(self.messages())
        return heapq.merge(self.messages(), self.tool_calls(), self.subagents(), key=lambda entry: entry.seq)

    def messages(self) -> Iterator[DocumentMessage]:
        """Yield the messages in order, read in chunks. Raises `ToolError` (`session_gone`)."""
        number = self.first_number
        for rows in self._chunks(Message.objects.all(), MESSAGES_A_CHUNK):
            models = _models_of(rows)
            self.pictures.expect(links.files_in(row.content for row in rows))
            for row in rows:
                yield _message(row, number, models.get(row.turn_id, ""))
                number += 1

    def tool_calls(self) -> Iterator[DocumentToolCall]:
        """Yield the fast calls in order, read in chunks. Raises `ToolError` (`session_gone`)."""
        for rows in self._chunks(ToolCall.objects.all(), WORK_A_CHUNK):
            yield from (_told(_tool_call(row), self.options) for row in rows)

    def subagents(self) -> Iterator[DocumentSubagent]:
        """Yield the tool executors' work in order, read in chunks. Raises `ToolError` (`session_gone`)."""
        work = Subagent.objects.filter(agent_type__in=["tool_executor", IMPORTED])
        for rows in self._chunks(work, WORK_A_CHUNK):
            files = _files_of(rows)
            self.pictures.expect(UUID(file["id"]) for row in rows for file in files.get(row.pk, ()))
            for row in rows:
                yield _told(_subagent(row, files.get(row.pk, [])), self.options)

    def _chunks(self, rows: QuerySet[Any], size: int) -> Iterator[list[Any]]:
        """Yield rows in order; each chunk is a query of its own, so nothing is held while it is rendered."""
        placed = rows.filter(within(self.ranges), session_id=self.id, seq__lte=self.last_seq)
        return _read(placed.order_by("seq", "pk"), self.first_seq, size, self._require_session)

    def _require_session(self) -> None:
        if not ChatSession.objects.filter(pk=self.id, deleted_at=None).exists():
            raise session_gone()


def freeze(session_id: UUID, *, options: ExportOptions, now: datetime) -> SessionDocument:
    """Return the session as it stands now; what is said later is not in it.

    Raises `ToolError`: `session_gone`, `empty_range`.
    """
    session = ChatSession.objects.select_related("owner", "branch").filter(pk=session_id).first()
    if session is None or session.deleted_at is not None:
        raise session_gone()
    ranges = branches.current(session)
    messages = session.messages.all().placed(ranges).filter(seq__lte=session.last_seq)
    count = messages.count()
    first_number, last_number = options.first_message or 1, min(options.last_message or count, count)
    if first_number > last_number and count:
        raise ToolError("empty_range", f"The chat has {count} messages, none of them in the chosen range.")
    return SessionDocument(
        id=session.pk,
        title=str(session),
        model=session.model,
        owner=session.owner.get_username(),
        owner_id=session.owner_id,
        created_at=session.created_at,
        exported_at=now,
        message_count=last_number - first_number + 1,
        first_number=first_number,
        first_seq=_place(messages, first_number) if first_number > 1 else 1,
        last_seq=_place(messages, last_number) if last_number < count else session.last_seq,
        options=options,
        usage=usage.of_session(session.pk) if options.include_metadata else None,
        ranges=ranges,
    )


def count_messages(session_id: UUID) -> int:
    """Return how many messages the branch has that is shown."""
    return Message.objects.filter(branches.shown(session_id), session_id=session_id).count()


def _read(rows: QuerySet[Any], first_seq: int, size: int, require: Callable[[], None]) -> Iterator[list[Any]]:
    """Yield chunks by place; `require` is called after each read, so what is missing cannot go unseen."""
    chunk: list[Any] = []
    while not chunk or len(chunk) == size:
        chunk = list(rows.filter(seq__gte=chunk[-1].seq + 1 if chunk else first_seq)[:size])
        require()
        yield chunk
        if not chunk:
            return


def _place(messages: MessageQuerySet, number: int) -> int:
    return messages.in_order().values_list("seq", flat=True)[number - 1]


def session_gone() -> ToolError:
    """Return how an export ends whose session was deleted in the middle of it."""
    return ToolError("session_gone", "The chat was deleted before its export was done.")


def _models_of(rows: list[Message]) -> dict[UUID | None, str]:
    """Return the models of the turns that wrote messages."""
    turns = {row.turn_id for row in rows if row.turn_id and row.role == Message.Role.ASSISTANT}
    return dict(Turn.objects.filter(pk__in=turns).values_list("pk", "model"))


def _files_of(rows: list[Subagent]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    names = ("id", "name", "size", "sha256", "content_type")
    ids = [row.pk for row in rows if row.started_at]
    ready = StoredFile.objects.filter(subagent__in=ids, state=StoredFile.State.READY).of_present_attempts()
    for row in ready.order_by("created_at", "id").values("subagent_id", *names):
        told = {name: row[name] for name in names} | {"id": str(row["id"])}
        found.setdefault(row["subagent_id"], []).append(told)
    return found


def _message(row: Message, number: int, model: str) -> DocumentMessage:
    return DocumentMessage(
        id=row.pk,
        seq=row.seq,
        number=number,
        role=row.role,
        state=row.state,
        content=row.content,
        created_at=row.created_at,
        turn_id=row.turn_id,
        model=model if row.role == Message.Role.ASSISTANT else "",
        subagent_id=row.subagent_id,
    )


def _tool_call(row: ToolCall) -> DocumentToolCall:
    return DocumentToolCall(
        id=row.pk,
        seq=row.seq,
        tool_name=row.tool_name,
        args=row.args,
        state=row.state,
        result=row.result,
        error=row.error,
        created_at=row.created_at,
        duration_ms=milliseconds(row.created_at, row.finished_at),
    )


def _subagent(row: Subagent, files: list[dict[str, Any]]) -> DocumentSubagent:
    return DocumentSubagent(
        id=row.pk,
        seq=row.seq,
        tool_name=row.tool_name,
        title=row.title,
        state=row.state,
        attempt=row.attempt,
        args=row.args,
        result=row.result,
        error=row.error,
        report=row.report,
        files=files,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        duration_ms=milliseconds(row.started_at, row.finished_at),
    )


def _told(work: _Work, options: ExportOptions) -> _Work:
    """Return work as every format tells it: without metadata neither what it was given nor checksums."""
    if options.include_metadata:
        return work
    bare: dict[str, Any] = {"args": {}}
    if isinstance(work, DocumentSubagent):
        bare["files"] = [
            {name: value for name, value in file.items() if name != "sha256"} for file in work.files
        ]
    return replace(work, **bare)
