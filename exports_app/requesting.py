"""The asking for exports that have a chat of their own: archives, and what staff export of others."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction

from agents_app import gateway, submissions
from agents_app.models import Subagent
from agents_app.submissions import Submission
from agents_app.wording.tables import amount
from exports_app import options, planning, selection
from exports_app.formats import find_format
from sessions_app import lifecycle
from sessions_app.models import ChatSession


def archive(
    user: Any,
    wanted: object,
    file_format: str,
    chosen: Mapping[str, Any],
    *,
    shown_in: UUID | None = None,
    idempotency_key: str = "",
) -> Subagent:
    """Have one archive made of a user's chats; its card is in the chat `shown_in`, else in a new one.

    Raises `Refusal` as `gateway.request_export` does; then there is no new chat either.
    """
    session_ids = selection.of_owner(user.pk, wanted)

    def request(session_id: UUID) -> Subagent:
        return gateway.request_export(
            session_id, file_format, chosen, session_ids=session_ids, idempotency_key=idempotency_key
        )

    if shown_in is not None:
        return request(shown_in)
    return _in_new_chat(user, f"Export of {amount(len(session_ids), 'chat')}", request, idempotency_key)


def by_staff(
    user: Any, wanted: object, file_format: str, chosen: Mapping[str, Any], idempotency_key: str = ""
) -> Subagent:
    """Have chats of whomever exported for staff, in a new chat of theirs: one as it is, many as an archive.

    The same `idempotency_key` again returns the first.

    Raises `Refusal`: `permission_denied`, `invalid_sessions`, `not_found`, `unsupported_format`,
    `invalid_options`, `queue_full`.
    """
    session_ids = selection.for_staff(user, wanted)
    kind, read = find_format(file_format), options.read(chosen)
    if len(session_ids) == 1:
        title = str(ChatSession.objects.get(pk=session_ids[0]))
        plan = planning.of_chat(session_ids[0], kind, read, as_staff=True)
    else:
        title = amount(len(session_ids), "chat")
        plan = planning.of_many(session_ids, kind, read, as_staff=True)
    return _in_new_chat(
        user,
        f"Export of {title}",
        # Past the gateway's door: no task that somebody writes may say that it is staff's.
        lambda session_id: submissions.submit(
            Submission(
                session_id=session_id,
                agent_type="export_agent",
                plan=plan,
                idempotency_key=idempotency_key,
            )
        ),
        idempotency_key,
    )


def _in_new_chat(
    user: Any, title: str, request: Callable[[UUID], Subagent], idempotency_key: str = ""
) -> Subagent:
    """Start a chat that shows an export; if that is refused there is no chat."""
    key = f"export:{uuid5(NAMESPACE_URL, idempotency_key)}" if idempotency_key else ""
    with transaction.atomic():
        session = lifecycle.start(user, title[: lifecycle.TITLE_MAX_CHARACTERS], idempotency_key=key)
        return request(session.pk)
