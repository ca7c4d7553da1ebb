"""What an export agent is told to do; it is checked before anything is queued."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Sum

from agents_app.registry import Plan
from agents_app.tool_executor import TIMEOUT_MAX_SECONDS
from agents_app.wording.tables import amount
from exports_app import options, selection
from exports_app.document import count_messages
from exports_app.formats import ExportFormat, find_format
from exports_app.options import ExportOptions
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

TIMEOUT_SECONDS = 300.0
SECONDS_A_CHAT = 3.0
SECONDS_A_MESSAGE = 0.05
"""On top of that; a PDF of a short chat takes about one second on an idle machine."""
IDLE_SECONDS = 180.0
"""Longer than a part of a PDF may take, which says so itself: of an archive the other chats are not lost."""


def prepare(task: Mapping[str, Any], session_id: UUID) -> Plan:
    """Validate `{"format": …, "options": {…}, "session_ids": […]}`; the options are those of `ExportOptions`.

    With `session_ids`, or `"all"`, it is an archive of these chats of the owner's. Raises `Refusal`:
    `unsupported_format`, `invalid_options`, `invalid_sessions`, `not_found`.
    """
    chosen = find_format(task.get("format"))
    if set(task) - {"format", "options", "session_ids"}:
        raise Refusal("invalid_options", "An export has a format, options and session_ids, and nothing else.")
    wanted = options.read(task.get("options", {}))
    if "session_ids" not in task:
        return of_chat(session_id, chosen, wanted)
    owner_id = ChatSession.objects.values_list("owner_id", flat=True).filter(pk=session_id).first()
    return of_many(selection.of_owner(owner_id, task["session_ids"]), chosen, wanted)


def of_chat(session_id: UUID, chosen: ExportFormat, wanted: ExportOptions, *, as_staff: bool = False) -> Plan:
    """Return what makes a file of one chat: of the one that shows it, `as_staff` of another one.

    Raises `Refusal` (`invalid_options`) for a range that has none of its messages.
    """
    options.require_messages(wanted, count_messages(session_id))
    of_another = {"session_id": str(session_id), selection.AS_STAFF: True} if as_staff else {}
    return Plan(
        tool_name=chosen.name,
        arguments={"format": chosen.name, "options": wanted.stored(), **of_another},
        title=f"Export as {chosen.title}",
        safe_to_repeat=True,
        execution_timeout_seconds=_timeout_seconds([session_id]),
        idle_timeout_seconds=IDLE_SECONDS,
    )


def of_many(
    session_ids: Sequence[UUID], chosen: ExportFormat, wanted: ExportOptions, *, as_staff: bool = False
) -> Plan:
    """Return what makes an archive of chats.

    Raises `Refusal` (`invalid_options`) if a range of messages is chosen.
    """
    if wanted.first_message is not None or wanted.last_message is not None:
        raise Refusal("invalid_options", "first_message and last_message are for the export of one chat.")
    listed = {"session_ids": [str(session_id) for session_id in session_ids]}
    of_others = {selection.AS_STAFF: True} if as_staff else {}
    return Plan(
        tool_name=chosen.name,
        arguments={"format": chosen.name, "options": wanted.stored(), **listed, **of_others},
        title=f"Export of {amount(len(session_ids), 'chat')} as {chosen.title}",
        safe_to_repeat=True,
        execution_timeout_seconds=_timeout_seconds(session_ids),
        idle_timeout_seconds=IDLE_SECONDS,
    )


def _timeout_seconds(session_ids: Sequence[UUID]) -> float:
    """Return what an export may take: it grows with chats and messages up to what any work may."""
    rows = ChatSession.objects.filter(pk__in=session_ids)
    messages = rows.aggregate(messages=Sum("message_count"))["messages"] or 0
    wanted = TIMEOUT_SECONDS + SECONDS_A_CHAT * len(session_ids) + SECONDS_A_MESSAGE * messages
    return min(wanted, TIMEOUT_MAX_SECONDS)
