"""Restoring a chat from a document: rows of the caller's that have ended, in one transaction or not at all.

Nothing in a document is trusted. Ids are fresh, nothing waits for an answer, and no row is one that a pool, a
keeper or a turn would take up. Its rows have places, but no events: the log begins behind them, as that of a
chat whose old events were removed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from agents_app import model_providers
from agents_app.files import names
from agents_app.files.model import StoredFile
from agents_app.models import Subagent, ToolCall, Turn
from agents_app.querysets import IMPORTED
from exports_app.interchange import reading
from exports_app.interchange.reading import ReadSession, Row, moment
from exports_app.interchange.schema import invalid
from sessions_app.errors import Refusal
from sessions_app.events import session_change
from sessions_app.messages import session_payload
from sessions_app.models import ChatSession, Message
from sessions_app.rows import Rows

ROWS_AT_ONCE = 500
POOL = "tools"
_UNFINISHED = {"code": "not_finished", "message": "It had not ended when the chat was exported."}
_UNTOLD = {"code": "unknown", "message": "The exported chat does not tell why it failed."}


def restore(owner: Any, read: ReadSession, idempotency_key: str = "") -> ChatSession:
    """Return a new session of `owner` with what was read; the same `idempotency_key` again gives the first.

    Raises `Refusal` (`invalid_document`).
    """
    earlier = _earlier(owner, idempotency_key)
    if earlier is not None:
        return earlier
    session = ChatSession(
        owner=owner,
        title=" ".join(read.title.split()),
        model=_known_model(read.model),
        idempotency_key=idempotency_key,
    )
    rows = _Rows(session, timezone.now())
    rows.tell_time(session, read.created_at)
    for kind, row in read.rows:
        rows.add(kind, row)
    try:
        _store(session, rows)
    except IntegrityError:
        earlier = _earlier(owner, idempotency_key)
        if earlier is None:
            raise
        return earlier
    session.refresh_from_db()
    return session


@dataclass
class _Rows:
    """The rows of a session, made one after the other; the place of each is the next."""

    session: ChatSession
    now: datetime
    turns: dict[str, Turn] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    subagents: list[Subagent] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    times: list[tuple[models.Model, datetime]] = field(default_factory=list)
    seq: int = 0
    _ids: dict[str, UUID] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)
    _results: set[str] = field(default_factory=set)
    _answered: int = 0

    def add(self, kind: str, row: Row) -> None:
        """Make the next row. Raises `Refusal` (`invalid_document`)."""
        self.seq += 1
        self.tell_time(_MAKERS[kind](self, row), row.get("created_at"))

    def tell_time(self, made: models.Model, text: str | None) -> None:
        """Note when a row was made, if that is told."""
        told = moment(text, self.now)
        if told is not None:
            self.times.append((made, told))

    def add_message(self, row: Row) -> Message:
        """Make a message; text that was growing was cut off."""
        message = Message(
            session=self.session,
            seq=self.seq,
            role=row["role"],
            state="complete" if row.get("state", "complete") == "complete" else "interrupted",
            content=row["content"],
            wants_answer=False,
            turn_id=self._turn_of(row),
            subagent_id=self._result_of(row),
        )
        self.messages.append(message)
        return message

    def add_call(self, row: Row) -> ToolCall:
        """Make a fast call; one that was running failed."""
        running = row["state"] == "running"
        begun = moment(row.get("created_at"), self.now) or self.now
        call = ToolCall(
            session=self.session,
            seq=self.seq,
            tool_name=row["tool_name"],
            args=row.get("args", {}),
            state="failed" if running else row["state"],
            result=row["result"],
            error=_UNFINISHED if running else _error(row),
            finished_at=begun + timedelta(milliseconds=row.get("duration_ms") or 0),
            is_imported=True,
        )
        self.calls.append(call)
        return call

    def add_subagent(self, row: Row) -> Subagent:
        """Make a subagent that has ended; one that had not was cancelled."""
        unfinished = row["state"] in ("queued", "admitted", "running")
        queued = moment(row.get("queued_at"), self.now) or self.now
        started = moment(row.get("started_at"), self.now)
        subagent = Subagent(
            id=self._own_id(row),
            session=self.session,
            owner=self.session.owner,
            pool_id=POOL,
            seq=self.seq,
            agent_type=IMPORTED,
            tool_name=row["tool_name"],
            title=row["title"],
            args=row.get("args", {}),
            state="cancelled" if unfinished else row["state"],
            attempt=row.get("attempt", 1),
            progress=100 if row["state"] == "succeeded" else 0,
            queued_at=queued,
            queue_deadline_at=queued,
            started_at=started,
            finished_at=moment(row.get("finished_at"), self.now) or started or queued,
            result=row["result"],
            report=row.get("report", ""),
            error=_UNFINISHED if unfinished else _error(row),
        )
        self.subagents.append(subagent)
        self.files += [self._file(subagent, told) for told in row.get("files", ())]
        return subagent

    def _file(self, subagent: Subagent, told: Row) -> StoredFile:
        """Return a file whose bytes are gone: what a row tells of one that has expired."""
        return StoredFile(
            owner=self.session.owner,
            session=self.session,
            subagent=subagent,
            attempt=subagent.attempt,
            name=names.cleaned(told["name"]),
            size=told["size"],
            received=told["size"],
            sha256=told["sha256"],
            content_type=told["content_type"],
            state=StoredFile.State.READY,
            expires_at=self.now,
        )

    def _turn_of(self, row: Row) -> UUID | None:
        """Return the turn of a message; untold, a turn is what was said up to an answer, and that."""
        told = row["turn_id"] if "turn_id" in row else self._untold_turn(row)
        if told is None:
            return None
        turn = self.turns.setdefault(
            told, Turn(session=self.session, state=Turn.State.COMPLETED, finished_at=self.now)
        )
        turn.model = row.get("model") or turn.model
        return turn.pk

    def _untold_turn(self, row: Row) -> str:
        last = self.messages[-1].role if self.messages else ""
        if last == Message.Role.ASSISTANT and row["role"] != last:
            self._answered += 1
        return f"turn {self._answered}"

    def _result_of(self, row: Row) -> UUID | None:
        told = row.get("subagent_id")
        if told is None:
            return None
        if told in self._results:
            raise invalid("Two messages are the result of the same subagent.")
        self._results.add(told)
        return self._id(told)

    def _own_id(self, subagent: Row) -> UUID:
        told = subagent.get("id") or str(uuid4())
        if told in self._named:
            raise invalid("Two subagents have the same id.")
        self._named.add(told)
        return self._id(told)

    def _id(self, told: str) -> UUID:
        return self._ids.setdefault(told, uuid4())


_MAKERS: dict[str, Callable[[_Rows, Row], models.Model]] = {
    reading.MESSAGE: _Rows.add_message,
    reading.TOOL_CALL: _Rows.add_call,
    reading.SUBAGENT: _Rows.add_subagent,
}


def _store(session: ChatSession, rows: _Rows) -> None:
    with transaction.atomic():
        session.last_seq, session.message_count = rows.seq, len(rows.messages)
        session.save(force_insert=True)
        Turn.objects.bulk_create(rows.turns.values(), ROWS_AT_ONCE)
        Message.objects.bulk_create(rows.messages, ROWS_AT_ONCE)
        Subagent.objects.bulk_create(rows.subagents, ROWS_AT_ONCE)
        ToolCall.objects.bulk_create(rows.calls, ROWS_AT_ONCE)
        StoredFile.objects.bulk_create(rows.files, ROWS_AT_ONCE)
        # A new row's time is that of its insertion, whatever it was given.
        for model in (ChatSession, Message, ToolCall):
            told = {row.pk: time for row, time in rows.times if isinstance(row, model)}
            Rows(model).set_each("created_at", told)
        with session_change(session.pk) as change:
            change.record("session.started", session_payload(change.session))


def _earlier(owner: Any, idempotency_key: str) -> ChatSession | None:
    if not idempotency_key:
        return None
    return ChatSession.objects.owned_by(owner).filter(idempotency_key=idempotency_key).first()


def _known_model(name: str) -> str:
    """Return the model if users may pick it here, else an empty string: the server's own choice."""
    try:
        model_providers.check_choice(name)
    except Refusal:
        return ""
    return name


def _error(row: Row) -> dict[str, str] | None:
    error: dict[str, str] | None = row.get("error")
    return error or (_UNTOLD if row["state"] == "failed" else None)
