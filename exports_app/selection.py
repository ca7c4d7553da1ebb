"""Which chats an export has, and whether who asked for it may read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from agents_app.context import ToolError
from sessions_app.errors import Refusal, not_found
from sessions_app.models import ChatSession
from sessions_app.querysets import ChatSessionQuerySet

ALL = "all"
CHATS_AT_MOST = 1000
STAFF_PERMISSION = "sessions_app.view_chatsession"
AS_STAFF = "as_staff"
"""The argument of an export that staff asked for; of no task that comes through another door."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A chat that is to be in a file, as it was called when the work began."""

    id: UUID
    title: str
    message_count: int


def of_owner(owner_id: Any, wanted: object) -> list[UUID]:
    """Return the ids of an owner's chats, the one last talked in first; `wanted` are ids, or `"all"`.

    Raises `Refusal`: `invalid_sessions`, `not_found` for one that is not the owner's or was deleted.
    """
    return _found(ChatSession.objects.filter(owner_id=owner_id, deleted_at=None), wanted)


def for_staff(user: Any, wanted: object) -> list[UUID]:
    """Return the ids of chats of whomever, as `of_owner` does.

    Raises `Refusal`: `permission_denied`, `invalid_sessions`, `not_found`.
    """
    if not may_read_all(user):
        raise Refusal("permission_denied", "Only staff who may view chats export those of others.", 403)
    return _found(ChatSession.objects.filter(deleted_at=None), wanted)


def there(session_ids: Iterable[str]) -> list[str]:
    """Return those of well-formed ids whose chats were not deleted."""
    rows = ChatSession.objects.filter(pk__in=list(session_ids), deleted_at=None)
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def chosen(session_ids: Iterable[str]) -> list[Chosen]:
    """Return chats in the order of their ids, also those that were deleted meanwhile."""
    ids = [UUID(session_id) for session_id in session_ids]
    rows = {row.pk: row for row in ChatSession.objects.filter(pk__in=ids).only("title", "message_count")}
    return [
        Chosen(id=pk, title=str(rows[pk]), message_count=rows[pk].message_count)
        if pk in rows
        else Chosen(id=pk, title=f"Session {str(pk)[:8]}", message_count=0)
        for pk in ids
    ]


def is_of_staff(arguments: Mapping[str, Any]) -> bool:
    """Whether staff asked for it, of chats that need not be their own."""
    return bool(arguments.get(AS_STAFF))


def require_reader(reader_id: int, arguments: Mapping[str, Any]) -> None:
    """Make sure that who exports as staff may do so still. Raises `ToolError` (`permission_denied`)."""
    if not is_of_staff(arguments):
        return
    user = get_user_model().objects.filter(pk=reader_id).first()
    if user is None or not may_read_all(user):
        raise ToolError("permission_denied", "Who asked for this export may not view others' chats any more.")


def may_read_all(user: Any) -> bool:
    """Whether this is staff who may view the chats of others."""
    return bool(user.is_active and user.is_staff and user.has_perm(STAFF_PERMISSION))


def _found(sessions: ChatSessionQuerySet, wanted: object) -> list[UUID]:
    ids = None if wanted == ALL else _ids(wanted)
    rows = sessions if ids is None else sessions.filter(pk__in=ids)
    ordered = rows.order_by("-last_activity_at", "pk").values_list("pk", flat=True)
    found = list(ordered[: CHATS_AT_MOST + 1])
    if ids is not None and len(found) < len(ids):
        raise not_found("session")
    if not found:
        raise _refused("There is no chat to export.")
    if len(found) > CHATS_AT_MOST:
        raise _refused(f"There are more than {CHATS_AT_MOST:,} chats; name at most that many.")
    return found


def _ids(wanted: object) -> set[UUID]:
    if not isinstance(wanted, list | tuple) or not 1 <= len(wanted) <= CHATS_AT_MOST:
        raise _refused(f'session_ids is "{ALL}", or a list of 1 to {CHATS_AT_MOST:,} ids of chats.')
    try:
        ids = {UUID(str(session_id)) for session_id in wanted}
    except ValueError:
        raise _refused("session_ids has something that is no id of a chat.") from None
    if len(ids) < len(wanted):
        raise _refused("session_ids names a chat twice.")
    return ids


def _refused(detail: str) -> Refusal:
    return Refusal("invalid_sessions", detail)
