from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from agents_app import tallies, usage
from agents_app.files import removal
from agents_app.maintenance.chunks import delete_in_chunks
from agents_app.maintenance.registry import JobResult, job
from agents_app.models import Subagent, ToolCall, Turn
from sessions_app.models import ChatSession, Event, Message

_when_purging: list[Callable[[UUID], object]] = []


def when_purging(callback: Callable[[UUID], object]) -> None:
    """Have `callback(session_id)` called before the rows of a deleted session go."""
    _when_purging.append(callback)


@job(name="deleted_sessions")
def purge_deleted_sessions() -> JobResult:
    """Remove the rows of deleted sessions in which nothing runs any more."""
    gone = ChatSession.objects.exclude(deleted_at=None).filter(
        ~Exists(Turn.objects.unfinished().filter(session=OuterRef("pk"))),
        ~Exists(Subagent.objects.unfinished().filter(session=OuterRef("pk"))),
    )
    session_ids = list(gone.values_list("pk", flat=True))
    for session_id in session_ids:
        _purge(session_id)
    removed = len(session_ids)
    return JobResult(line=f"{removed} deleted sessions removed", counts={"sessions_removed": removed})


def _purge(session_id: UUID) -> None:
    """Take the rows away from the leaves to the root, in short transactions."""
    for callback in _when_purging:
        callback(session_id)
    removal.remove_of_session(session_id)
    for rows in (Event.objects.all(), Message.objects.all(), ToolCall.objects.all()):
        delete_in_chunks(rows.filter(session_id=session_id))
    delete_in_chunks(Subagent.objects.filter(session_id=session_id), within=_count_subagents)
    delete_in_chunks(Turn.objects.filter(session_id=session_id), within=_count_turns)
    with transaction.atomic():
        tallies.add(usage.tallied(session_id))
        ChatSession.objects.filter(pk=session_id).delete()


def _count_subagents(rows: QuerySet[Any]) -> None:
    """Keep the totals that /metrics shows: they must never fall."""
    counted = rows.order_by().values_list("pool_id", "state").annotate(Count("pk"))
    tallies.add({f"subagents_finished/{pool}/{state}": count for pool, state, count in counted})


def _count_turns(rows: QuerySet[Any]) -> None:
    counted = rows.order_by().values_list("state").annotate(Count("pk"))
    tallies.add({f"turns_finished/{state}": count for state, count in counted})
