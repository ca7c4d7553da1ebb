"""Exports whose time is over, and files that no export knows."""

from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from agents_app.maintenance.files import ABANDONED_SECONDS
from agents_app.maintenance.registry import JobResult, job
from agents_app.models import Subagent
from exports_app.models import Export

FOLDER = "exports"


@job(name="exports", deep=True)
def delete_expired_exports() -> JobResult:
    """Remove the files of exports older than EXPORT_DAYS; the rows stay, and a download answers 410."""
    now = timezone.now()
    too_old = Export.objects.filter(created_at__lt=now - timedelta(days=settings.EXPORT_DAYS))
    finished = too_old.exclude(subagent__in=Subagent.objects.unfinished()).exclude(file="")
    deleted = 0
    for export in finished:
        _expire(export)
        deleted += 1
    return JobResult(line=f"{deleted} old exports removed", counts={"exports_deleted": deleted})


@job(name="export_files")
def delete_orphaned_files() -> JobResult:
    """Remove files that no export knows: of deleted sessions, of attempts that died while they stored."""
    names = default_storage.listdir(FOLDER)[1] if default_storage.exists(FOLDER) else []
    orphans = [name for name in names if _is_old(name) and not _is_known(name)]
    for name in orphans:
        default_storage.delete(f"{FOLDER}/{name}")
    return JobResult(
        line=f"{len(orphans)} orphaned files removed", counts={"temp_files_deleted": len(orphans)}
    )


def delete_files_of(session_id: UUID) -> None:
    """Remove the files of a session whose rows are about to go."""
    for export in Export.objects.filter(subagent__session_id=session_id).exclude(file=""):
        export.file.storage.delete(str(export.file.name))


def _expire(export: Export) -> None:
    """Remove the file first: a row that still names a missing file is answered with 410 as well."""
    export.file.storage.delete(str(export.file.name))
    expired_at = min(export.expires_at or timezone.now(), timezone.now())
    with transaction.atomic():
        Export.objects.filter(pk=export.pk).update(file="", expires_at=expired_at)


def _is_old(name: str) -> bool:
    try:
        modified_at = default_storage.get_modified_time(f"{FOLDER}/{name}")
    except FileNotFoundError:
        return False
    return timezone.now() - modified_at > timedelta(seconds=ABANDONED_SECONDS)


def _is_known(name: str) -> bool:
    """Whether an export has this file, or will have it: a row names its file from the start."""
    try:
        export_id = UUID(PurePosixPath(name).stem)
    except ValueError:
        return False
    export = Export.objects.filter(pk=export_id).select_related("subagent").first()
    if export is None:
        return False
    wanted = export.subagent.state == Subagent.State.SUCCEEDED or not export.subagent.is_final
    return wanted and export.file.name == f"{FOLDER}/{name}"
