from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from agents_app.maintenance.chunks import delete_in_chunks
from agents_app.maintenance.registry import JobResult, job
from sessions_app.models import ChatSession, Event


@job(name="old_events", deep=True)
def prune_old_events() -> JobResult:
    """Remove the events of sessions that were put away and last spoken in over EVENT_DAYS ago.

    What was said and done stays; a feed that asks for pruned events is told to load the snapshot. All of a
    session's old events go or none, so that what is left is gapless.
    """
    before = timezone.now() - timedelta(days=settings.EVENT_DAYS)
    put_away = ChatSession.objects.exclude(state=ChatSession.State.ACTIVE).filter(last_activity_at__lt=before)
    pruned = 0
    for session_id in put_away.values_list("pk", flat=True):
        rows = Event.objects.filter(session_id=session_id)
        newer = rows.filter(created_at__gte=before).order_by("seq").values_list("seq", flat=True).first()
        pruned += delete_in_chunks(rows if newer is None else rows.filter(seq__lt=newer))
    return JobResult(line=f"{pruned} old events pruned", counts={"events_pruned": pruned})
