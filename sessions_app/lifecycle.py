"""The life of a chat session: start, rename, archive, restore, stop, delete."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from sessions_app import plain
from sessions_app.errors import Refusal
from sessions_app.events import session_change
from sessions_app.messages import session_payload
from sessions_app.models import ChatSession

TITLE_MAX_CHARACTERS = 200

_when_stopping: list[Callable[[UUID], None]] = []
_model_checks: list[Callable[[str], None]] = []


def when_stopping(callback: Callable[[UUID], None]) -> None:
    """Have `callback(session_id)` called after a session was stopped or before it is deleted."""
    _when_stopping.append(callback)


def check_model(callback: Callable[[str], None]) -> None:
    """Have `callback(model)` called before a session takes a model; it raises `Refusal` for a wrong one."""
    _model_checks.append(callback)


def start(owner: Any, title: str = "", model: str = "", idempotency_key: str = "") -> ChatSession:
    """Start a session of `owner`; the same `idempotency_key` again returns the first.

    Raises `Refusal` (`title_too_long`, `unknown_model`).
    """
    checked = _checked(title)
    _check_model(model)
    try:
        with transaction.atomic():
            session = ChatSession.objects.create(
                owner=owner, title=checked, model=model, idempotency_key=idempotency_key
            )
            with session_change(session.pk) as change:
                change.record("session.started", session_payload(session))
    except IntegrityError:
        earlier = ChatSession.objects.owned_by(owner).filter(idempotency_key=idempotency_key).first()
        if not idempotency_key or earlier is None:
            raise
        return earlier
    session.refresh_from_db()
    return session


def rename(session_id: UUID, title: str) -> None:
    """Give the session another title. Raises `Refusal` (`title_too_long`)."""
    with session_change(session_id) as change:
        change.session.title = _checked(title)
        change.session.save(update_fields=["title"])
        change.record("session.updated", session_payload(change.session))


def choose_model(session_id: UUID, model: str) -> None:
    """Have the next answers made by another model; empty for the server's own choice.

    Raises `Refusal` (`unknown_model`).
    """
    _check_model(model)
    with session_change(session_id) as change:
        if change.session.model != model:
            change.session.model = model
            change.session.save(update_fields=["model"])
            change.record("session.updated", session_payload(change.session))


def instruct(session_id: UUID, instructions: str) -> None:
    """Say what the agent shall always heed in this session; empty for nothing."""
    with session_change(session_id) as change:
        change.session.instructions = plain.text(instructions)
        change.session.save(update_fields=["instructions"])


def _check_model(model: str) -> None:
    for check in _model_checks:
        check(model)


def replace_title(session_id: UUID, before: str, title: str) -> bool:
    """Give the session another title if it still has the one before; what its owner chose stays."""
    with session_change(session_id) as change:
        if change.session.title != before:
            return False
        change.session.title = _checked(title)
        change.session.save(update_fields=["title"])
        change.record("session.updated", session_payload(change.session))
    return True


def archive(session_id: UUID) -> None:
    """Put an active session away; nothing in it ends."""
    _move(session_id, {ChatSession.State.ACTIVE}, ChatSession.State.ARCHIVED, "session.archived")


def restore(session_id: UUID) -> None:
    """Take an archived session back."""
    _move(session_id, {ChatSession.State.ARCHIVED}, ChatSession.State.ACTIVE, "session.restored")


def stop(session_id: UUID) -> None:
    """End a session for good: its turn and its subagents are cancelled, what was said stays readable."""
    before = {ChatSession.State.ACTIVE, ChatSession.State.ARCHIVED}
    _move(session_id, before, ChatSession.State.STOPPED, "session.stopped")
    _end_work(session_id)


def delete(session_id: UUID) -> None:
    """Hide a session at once and end its work; `agents_app` removes the rows when nothing of it runs."""
    stop(session_id)
    with transaction.atomic():
        ChatSession.objects.filter(pk=session_id, deleted_at=None).update(deleted_at=timezone.now())


def _end_work(session_id: UUID) -> None:
    for callback in _when_stopping:
        callback(session_id)


def _move(session_id: UUID, before: set[ChatSession.State], after: ChatSession.State, kind: str) -> None:
    """Change the state; being there already is fine. Raises `Refusal` (`wrong_state`) from elsewhere."""
    with session_change(session_id) as change:
        if change.session.state == after:
            return
        if change.session.state not in before:
            raise Refusal("wrong_state", f"A session that is {change.session.state} cannot do that.", 409)
        change.session.state = after
        change.session.save(update_fields=["state"])
        change.record(kind, session_payload(change.session))


def _checked(title: str) -> str:
    title = " ".join(plain.text(title).split())
    if len(title) > TITLE_MAX_CHARACTERS:
        raise Refusal("title_too_long", f"A title has at most {TITLE_MAX_CHARACTERS} characters.")
    return title
