"""The admin's log of what staff exported of others."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from agents_app.models import Subagent
from exports_app import selection
from sessions_app.models import ChatSession


def record(subagent: Subagent) -> None:
    """Put down each chat that an export of staff's is to have; nothing for one of the owner's own."""
    if not selection.is_of_staff(subagent.args):
        return
    ids = subagent.args.get("session_ids") or [subagent.args["session_id"]]
    content_type = ContentType.objects.get_for_model(ChatSession)
    said = f"Exported as {subagent.args['format']} into the chat {subagent.session_id}."
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=subagent.owner_id,
            content_type=content_type,
            object_id=str(chat.id),
            object_repr=chat.title[:200],
            action_flag=CHANGE,
            change_message=said,
        )
        for chat in selection.chosen(ids)
    )
