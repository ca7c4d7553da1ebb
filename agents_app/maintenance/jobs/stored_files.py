from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from agents_app.files.reading import file_key
from agents_app.maintenance.chunks import delete_in_chunks
from agents_app.maintenance.files import is_abandoned, remove_all
from agents_app.maintenance.registry import JobResult, job
from agents_app.models import StoredFile

KNOWN_DAYS = 90
"""So long after its end a file's row still tells that it has expired."""
LOOKED_UP_AT_ONCE = 500


@job(name="stored_files")
def remove_expired_files() -> JobResult:
    """Remove the bytes of files whose time is over, of superseded attempts, and those that no row names."""
    now = timezone.now()
    removed = remove_all(_without_a_kept_row(now), "files_deleted")
    over = StoredFile.objects.filter(expires_at__lte=now)
    told_long_enough = Q(state="receiving") | Q(expires_at__lte=now - timedelta(days=KNOWN_DAYS))
    delete_in_chunks(over.filter(told_long_enough))
    delete_in_chunks(StoredFile.objects.all().of_superseded_attempts())
    return JobResult(line=f"{removed} files removed", counts={"files_deleted": removed})


def _without_a_kept_row(now: datetime) -> Iterator[Path]:
    """Yield what nobody can read any more; without a row only what is not just being delivered."""
    paths = Path(settings.FILES_DIR).iterdir()
    while chunk := list(islice(paths, LOOKED_UP_AT_ONCE)):
        keys = {path: file_key(path.name) for path in chunk}
        rows = StoredFile.objects.filter(pk__in=[key for key in keys.values() if key])
        kept = _ids(rows.kept(now).of_present_attempts())
        known = _ids(rows)
        for path, key in keys.items():
            if key not in kept and (key in known or is_abandoned(path)):
                yield path


def _ids(rows: Iterable[StoredFile]) -> set[UUID]:
    return {row.pk for row in rows}
