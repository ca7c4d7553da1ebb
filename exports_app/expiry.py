"""Exports whose time is over, and files that no export knows."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents_app.maintenance.files import ABANDONED_SECONDS
from agents_app.maintenance.registry import JobError, JobResult, job
from agents_app.models import Subagent
from exports_app import storage
from exports_app.models import Export
from exports_app.storage import StorageFailed

FAILURES_AT_MOST = 3
"""In a row: then it is the storage that is away, and each further one would wait for it."""

logger = logging.getLogger(__name__)
_T = TypeVar("_T")


@job(name="exports", deep=True)
def delete_expired_exports() -> JobResult:
    """Remove the files of exports whose time is over; the rows stay, and a download answers 410."""
    over = Export.objects.filter(expires_at__lte=timezone.now()).exclude(file="")
    finished = over.exclude(subagent__in=Subagent.objects.unfinished())
    deleted = _each(finished, _expire, count_as="exports_deleted")
    return JobResult(line=f"{deleted} old exports removed", counts={"exports_deleted": deleted})


@job(name="export_files")
def delete_orphaned_files() -> JobResult:
    """Remove files that no export knows: of deleted sessions, of attempts that died while they stored."""
    try:
        # Each is asked for its age, which costs a request: only few are unknown.
        orphans = [name for name in _unknown(storage.stored()) if _is_old(name)]
    except StorageFailed as error:
        raise JobError(f"nothing could be looked at: {error}") from error
    deleted = _each(orphans, storage.remove, count_as="temp_files_deleted")
    return JobResult(line=f"{deleted} orphaned files removed", counts={"temp_files_deleted": deleted})


def delete_files_of(session_id: UUID) -> None:
    """Remove the files of a session whose rows are about to go; what stays is orphaned then."""
    try:
        for export in Export.objects.filter(subagent__session_id=session_id).exclude(file=""):
            storage.remove(str(export.file.name))
    except StorageFailed as error:
        logger.warning("files of a deleted session are left to the next clean-up: %s", error)


def _each(things: Iterable[_T], remove: Callable[[_T], None], *, count_as: str) -> int:
    """Remove one after the other and return how many.

    One that resists does not keep the others: then raises `JobError` at the end, or after several in a row.
    """
    removed = in_a_row = 0
    failure: StorageFailed | None = None
    for thing in things:
        try:
            remove(thing)
        except StorageFailed as error:
            failure, in_a_row = error, in_a_row + 1
            if in_a_row == FAILURES_AT_MOST:
                break
        else:
            removed, in_a_row = removed + 1, 0
    if failure:
        raise JobError(f"{removed} removed, others not: {failure}", {count_as: removed}) from failure
    return removed


def _expire(export: Export) -> None:
    """Remove the file first: a row that still names a missing file is answered with 410 as well."""
    storage.remove(str(export.file.name))
    with transaction.atomic():
        Export.objects.filter(pk=export.pk).update(file="")


def _is_old(name: str) -> bool:
    modified_at = storage.modified_at(name)
    age = timedelta() if modified_at is None else timezone.now() - modified_at
    return age > timedelta(seconds=ABANDONED_SECONDS)


def _unknown(names: list[str]) -> list[str]:
    """Return those that no export has, or will have: a row names its file from the start."""
    wanted = Export.objects.exclude(file="").exclude(
        subagent__state__in=[Subagent.State.FAILED, Subagent.State.CANCELLED]
    )
    known = set(wanted.values_list("file", flat=True)) if names else set()
    return [name for name in names if name not in known]
