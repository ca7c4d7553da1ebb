"""Messages: add one, grow one, finish one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sessions_app import plain
from sessions_app.errors import Refusal
from sessions_app.events import SessionChange, json_bytes, session_change
from sessions_app.markdown import render
from sessions_app.models import ChatSession, Message
from sessions_app.payloads import CUT_TEXT_CHARACTERS, PAYLOAD_MAX_BYTES, MessagePayload, SessionPayload
from sessions_app.rows import Rows

# A file that goes with a message; its name has 255 characters, each escaped or not.
_FILE_LINK = re.compile(r"\[((?:\\.|[^\\\[\]]){0,510})\]\(/files/[0-9a-f-]{36}/\)")
_messages = Rows(Message)
_sessions = Rows(ChatSession)
_when_posted: list[Callable[[SessionChange, Message], object]] = []


def when_posted(callback: Callable[[SessionChange, Message], object]) -> None:
    """Have `callback(change, message)` called in the transaction of each message that wants an answer."""
    _when_posted.append(callback)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A message that begins with `/name` and is carried out without asking a model.

    `check(words)` raises `Refusal` before anything is stored; `run(message, words)` is called after the
    message is there.
    """

    name: str
    check: Callable[[str], object]
    run: Callable[[Message, str], object]


_commands: dict[str, Command] = {}


def command(declared: Command) -> None:
    """Add a command; apps call this in `AppConfig.ready`."""
    _commands[declared.name] = declared


def post(
    session_id: UUID,
    content: str,
    idempotency_key: str = "",
    before: Callable[[SessionChange], object] = lambda change: None,
) -> Message:
    """Add a user's message and ask for an answer; the same `idempotency_key` again returns the first.

    `before(change)` is called in the same transaction before the message is added; it may refuse.

    Raises `Refusal`: `empty_message`, `message_too_long`, `session_not_active`, what a command refuses.
    """
    content = _checked(content)
    wanted, words = _command_in(content)
    if wanted:
        wanted.check(words)
    with session_change(session_id) as change:
        earlier = idempotency_key and change.session.messages.filter(idempotency_key=idempotency_key).first()
        if earlier:
            return earlier
        require_active(change.session)
        before(change)
        message = add(
            change,
            role=Message.Role.USER,
            content=content,
            idempotency_key=idempotency_key,
            wants_answer=wanted is None,
        )
        _give_title(change, content)
        if wanted:
            change.afterwards(partial(wanted.run, message, words))
        else:
            for callback in _when_posted:
                callback(change, message)
    return message


def add(change: SessionChange, *, role: str, content: str, **fields: Any) -> Message:
    """Add a message to the session of an open change and record it."""
    session = change.session
    message = Message(session=session, seq=change.next_seq, role=role, content=content, **fields)
    _messages.insert(message)
    session.message_count, session.last_activity_at = session.message_count + 1, timezone.now()
    counted = {"message_count": session.message_count, "last_activity_at": session.last_activity_at}
    _sessions.touch(counted, "id = %(id)s", id=session.pk)
    change.record("message.added", event_payload(message))
    return message


def save_draft(message_id: UUID, generation: int, content: str) -> bool:
    """Store text in flight; False if a newer generation took over."""
    open_draft = Message.objects.filter(pk=message_id, generation=generation, state=Message.State.STREAMING)
    with transaction.atomic():
        return open_draft.update(content=content) == 1


def complete(change: SessionChange, message: Message, content: str, *, interrupted: bool = False) -> bool:
    """End a streaming message and record it; False if it had ended or a newer generation took over."""
    state = Message.State.INTERRUPTED if interrupted else Message.State.COMPLETE
    open_draft = Message.objects.filter(
        pk=message.pk, generation=message.generation, state=Message.State.STREAMING
    )
    if open_draft.update(content=content, state=state) != 1:
        return False
    message.content, message.state = content, state
    change.record("message.completed", event_payload(message))
    return True


def payload(message: Message) -> MessagePayload:
    """Return the whole message as REST shows it."""
    return _payload(message, message.content, truncated=False)


def event_payload(message: Message) -> MessagePayload:
    """Return the message as an event carries it: long text is cut, `truncated` says so."""
    if len(message.content) <= PAYLOAD_MAX_BYTES:
        body = payload(message)
        if json_bytes(body) <= PAYLOAD_MAX_BYTES:
            return body
    return _payload(message, message.content[:CUT_TEXT_CHARACTERS], truncated=True)


def _payload(message: Message, text: str, *, truncated: bool) -> MessagePayload:
    streaming = message.state == Message.State.STREAMING
    return {
        "message_id": str(message.pk),
        "seq": message.seq,
        "role": message.role,
        "state": message.state,
        "content": text,
        "html": "" if streaming or truncated else render(text),
        "truncated": truncated,
        "generation": message.generation,
        "wants_answer": message.wants_answer,
        "turn_id": str(message.turn_id) if message.turn_id else None,
        "subagent_id": str(message.subagent_id) if message.subagent_id else None,
        "created_at": message.created_at.isoformat(),
    }


def _command_in(content: str) -> tuple[Command | None, str]:
    """Return the command that a message begins with, and the words behind it."""
    first, _, words = content.partition(" ")
    return (_commands.get(first[1:]) if first.startswith("/") else None), words.strip()


def _checked(content: str) -> str:
    content = plain.text(content).strip()
    if not content:
        raise Refusal("empty_message", "The message is empty.")
    limit = settings.MESSAGE_MAX_CHARACTERS
    if len(content) > limit:
        raise Refusal(
            "message_too_long", f"The message has {len(content):,} characters; at most {limit:,} are taken."
        )
    return content


def require_active(session: ChatSession) -> None:
    """Raise `Refusal` (`session_not_active`) unless the session takes messages."""
    if session.state != ChatSession.State.ACTIVE:
        raise Refusal("session_not_active", f"The session is {session.state}.", status=409)


def first_title(content: str) -> str:
    """Return the title that a session gets from its first message; a file in it counts as its name."""
    named = _FILE_LINK.sub(lambda link: re.sub(r"\\(.)", r"\1", link[1]), content)
    return " ".join(named.split())[:80]


def _give_title(change: SessionChange, content: str) -> None:
    """Name a session after its first message, so that the list means something."""
    if not change.session.title:
        change.session.title = first_title(content)
        change.session.save(update_fields=["title"])
        change.record("session.updated", session_payload(change.session))


def session_payload(session: ChatSession) -> SessionPayload:
    """Return a session as its events carry it."""
    return {
        "session_id": str(session.pk),
        "title": session.title,
        "state": session.state,
        "model": session.model,
        "branch_id": str(session.branch_id) if session.branch_id else None,
    }
