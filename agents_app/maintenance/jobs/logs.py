import gzip
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from agents_app.maintenance.registry import JobResult, job

DAY_SECONDS = 23 * 3600.0
"""A little less than a day, so that a daily run never misses by seconds."""


@job(name="logs", deep=True)
def rotate_logs() -> JobResult:
    """Pack logs away that are over LOG_MAX_BYTES or a day old; keep the newest LOG_KEEP of each."""
    due = [log for log in sorted(Path(settings.LOG_DIR).glob("*.log")) if _is_due(log)]
    for log in due:
        _rotate(log)
    for log in Path(settings.LOG_DIR).glob("*.log"):
        for old in _packed(log)[settings.LOG_KEEP :]:
            old.unlink(missing_ok=True)
    return JobResult(line=f"{len(due)} logs rotated", counts={"logs_rotated": len(due)})


def _is_due(log: Path) -> bool:
    size, packed = log.stat().st_size, _packed(log)
    if not size or size > settings.LOG_MAX_BYTES or not packed:
        return size > 0
    return time.time() - packed[0].stat().st_mtime > DAY_SECONDS


def _rotate(log: Path) -> None:
    """Copy into a packed file, then empty the log in place: its writers hold it open to append.

    A line written between the last read and the cut is lost: some microseconds. A crash before the cut
    leaves lines twice, never none.
    """
    target = log.with_name(f"{log.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}.gz")
    draft = target.with_suffix(".draft")
    with log.open("r+b") as source:
        with gzip.open(draft, "wb") as packed:
            shutil.copyfileobj(source, packed)
        with gzip.open(draft, "ab") as packed:
            shutil.copyfileobj(source, packed)  # what was written while the rest was packed
        draft.rename(target)
        source.truncate(0)


def _packed(log: Path) -> list[Path]:
    """Return the log's packed files, newest first."""
    return sorted(log.parent.glob(f"{log.name}.*.gz"), reverse=True)
