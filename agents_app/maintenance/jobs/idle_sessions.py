from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from agents_app.maintenance.registry import JobResult, job
from agents_app.models import Subagent, Turn
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.events import session_change
from sessions_app.models import ChatSession


@job(name="idle_sessions")
def archive_idle_sessions() -> JobResult:
    """Archive sessions in which nothing was said for SESSION_IDLE_HOURS and nothing is under way."""
    if not settings.SESSION_IDLE_HOURS:
        return JobResult(line="switched off (SESSION_IDLE_HOURS=0)")
    archived = sum(_archive(session) for session in _idle().only("pk"))
    return JobResult(line=f"{archived} idle sessions archived", counts={"sessions_cleaned": archived})


def _archive(session: ChatSession) -> bool:
    try:
        # Look again while the row is held: somebody may have spoken since.
        with session_change(session.pk):
            still_idle = _idle().filter(pk=session.pk).exists()
            if still_idle:
                lifecycle.archive(session.pk)
    except Refusal:  # deleted or stopped meanwhile
        return False
    return still_idle


def _idle() -> QuerySet[ChatSession]:
    before = timezone.now() - timedelta(hours=settings.SESSION_IDLE_HOURS)
    return ChatSession.objects.active().filter(
        ~Exists(Turn.objects.unfinished().filter(session=OuterRef("pk"))),
        ~Exists(Subagent.objects.unfinished().filter(session=OuterRef("pk"))),
        last_activity_at__lt=before,
        deleted_at=None,
    )
