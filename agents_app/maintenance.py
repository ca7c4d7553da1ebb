"""Clean-up that beat asks for every hour: one job, one short function, one line of result."""

import logging
import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from agents_app.models import Subagent, Turn
from sessions_app.models import ChatSession

logger = logging.getLogger(__name__)


def run() -> None:
    """Run every job; one that fails does not stop the others."""
    for job in (purge_deleted_sessions, remove_abandoned_work_folders, clear_expired_logins):
        try:
            logger.info("%s: %s", job.__name__, job())
        except Exception:  # the next hour tries again
            logger.exception("%s failed", job.__name__)


def purge_deleted_sessions() -> str:
    """Remove the rows of deleted sessions in which nothing runs any more."""
    busy = {
        *Subagent.objects.unfinished().values_list("session_id", flat=True),
        *Turn.objects.unfinished().values_list("session_id", flat=True),
    }
    gone = ChatSession.objects.exclude(deleted_at=None).exclude(pk__in=busy)
    sessions = list(gone)
    for session in sessions:
        session.delete()
    return f"{len(sessions)} sessions"


def remove_abandoned_work_folders() -> str:
    """Remove work folders whose attempt is not running."""
    abandoned = [folder for folder in Path(settings.WORK_DIR).iterdir() if not _in_use(folder.name)]
    for folder in abandoned:
        shutil.rmtree(folder, ignore_errors=True)
    return f"{len(abandoned)} folders"


def clear_expired_logins() -> str:
    """Remove login sessions that expired."""
    SessionStore.clear_expired()
    return "done"


def _in_use(folder_name: str) -> bool:
    subagent_id, _, attempt = folder_name.rpartition("-")
    try:
        key, number = UUID(subagent_id), int(attempt)
    except ValueError:
        return False
    return Subagent.objects.filter(pk=key, attempt=number, state=Subagent.State.RUNNING).exists()
