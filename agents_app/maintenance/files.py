"""Removing files and folders that nobody will miss."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from agents_app.maintenance.registry import JobError

ABANDONED_SECONDS = 3600.0
"""What nobody has touched for this long and nobody owns is left over."""


def is_abandoned(path: Path) -> bool:
    """Whether nobody has touched it for an hour; False for what is gone meanwhile."""
    try:
        return time.time() - path.lstat().st_mtime > ABANDONED_SECONDS
    except FileNotFoundError:
        return False


def remove_all(paths: Iterable[Path], count_as: str) -> int:
    """Remove files and whole folders; return how many.

    One that resists does not keep the others: then raises `JobError` at the end, with the count.
    """
    removed, failures = 0, []
    for path in paths:
        try:
            _remove(path)
            removed += 1
        except OSError as error:
            failures.append(f"{path.name}: {error.strerror}")
    if failures:
        message = f"{removed} removed, {len(failures)} could not be, the first is {failures[0]}"
        raise JobError(message, {count_as: removed})
    return removed


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
