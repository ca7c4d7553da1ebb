from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.conf import settings

from agents_app.maintenance.files import is_abandoned, remove_all
from agents_app.maintenance.registry import JobResult, job
from agents_app.models import Subagent


@job(name="temporary_files")
def remove_temporary_files() -> JobResult:
    """Remove work folders that no attempt uses, and drafts of lock and log files that nobody finished."""
    removed = remove_all([*_work_folders(), *_drafts()], "temp_files_deleted")
    return JobResult(line=f"{removed} temporary files removed", counts={"temp_files_deleted": removed})


def _work_folders() -> Iterator[Path]:
    for path in Path(settings.WORK_DIR).iterdir():
        attempt = _attempt(path.name)
        if not _is_running(attempt) if attempt else is_abandoned(path):
            yield path


def _is_running(attempt: tuple[UUID, int]) -> bool:
    subagent_id, number = attempt
    return Subagent.objects.filter(pk=subagent_id, attempt=number, state=Subagent.State.RUNNING).exists()


def _drafts() -> Iterator[Path]:
    for folder in (settings.LOCK_DIR, settings.LOG_DIR):
        yield from filter(is_abandoned, Path(folder).glob("*.draft"))


def _attempt(folder_name: str) -> tuple[UUID, int] | None:
    subagent_id, _, attempt = folder_name.rpartition("-")
    try:
        return UUID(subagent_id), int(attempt)
    except ValueError:
        return None
