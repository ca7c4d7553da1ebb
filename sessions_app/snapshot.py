"""A session as it stands: what a client loads before it follows the feed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Q

from sessions_app import branches, messages
from sessions_app.errors import not_found
from sessions_app.models import ChatSession, Message
from sessions_app.querysets import MessageQuerySet, within

_sections: dict[str, Callable[[UUID], Any]] = {}


def section(name: str, read: Callable[[UUID], Any]) -> None:
    """Add `read(session_id)` to every snapshot under `name`."""
    _sections[name] = read


def summary(session: ChatSession) -> dict[str, Any]:
    """Return a session as lists show it."""
    return {
        "id": str(session.pk),
        "title": session.title,
        "state": session.state,
        "model": session.model,
        "branch_id": str(session.branch_id) if session.branch_id else None,
        "message_count": session.message_count,
        "last_seq": session.last_seq,
        "created_at": session.created_at.isoformat(),
        "last_activity_at": session.last_activity_at.isoformat(),
    }


def _shown(session: ChatSession) -> MessageQuerySet:
    """Return the messages of the current branch; results belong to their subagents, wherever they came."""
    ranges = branches.current(session)
    rows = session.messages.all()
    return rows if ranges is None else rows.filter(within(ranges) | Q(role=Message.Role.SUBAGENT))


def read(session_id: UUID) -> dict[str, Any]:
    """Return the snapshot.

    It shows the current branch.

    `last_seq` is read before the rest: an event in between is shown twice to a reducer that takes the
    later state, never missed.
    """
    session = ChatSession.objects.filter(pk=session_id).first()
    if session is None:
        raise not_found("session")
    body = summary(session)
    body["messages"] = [messages.payload(row) for row in _shown(session).in_order()]
    body["forks"] = branches.forks(session)
    return body | {name: read_section(session_id) for name, read_section in _sections.items()}
