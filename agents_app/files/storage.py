"""The bytes of files: one folder, a file each, named by its id alone.

With several hosts the folder is shared between them (`FILES_DIR`, which is within `MEDIA_ROOT`).
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

PIECE_BYTES = 1024 * 1024


def path_of(file_id: UUID) -> Path:
    """Return where the bytes of a file are."""
    return Path(settings.FILES_DIR) / str(file_id)


def remove(file_id: UUID) -> None:
    """Remove the bytes of a file, if there are any."""
    path_of(file_id).unlink(missing_ok=True)


def digest(file: BinaryIO, check: Callable[[], object] = lambda: None) -> str:
    """Return the SHA-256 of a file in hexadecimal; `check()` is called for each MiB and may raise."""
    sha256 = hashlib.sha256()
    for piece in _pieces(file, check):
        sha256.update(piece)
    return sha256.hexdigest()


@contextmanager
def opened_within(folder: Path, path: Path) -> Iterator[BinaryIO]:
    """Open a plain file inside `folder`. Raises `OSError` for any other, such as a link to elsewhere."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OSError(errno.EPERM, "it is not in the work folder")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        yield file


def take(file: BinaryIO, path: Path, file_id: UUID, check: Callable[[], object] = lambda: None) -> None:
    """Move what is open as `file` and lies at `path` into the store; from another disk it is copied.

    It is on the disk when this returns. Raises `OSError`, and what `check()` raises, which is called for each
    MiB of a copy.
    """
    target = path_of(file_id)
    try:
        os.fsync(file.fileno())
        # Maintenance spares what is new and has no row yet.
        os.utime(file.fileno())
        path.rename(target)
        target.chmod(0o600)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(file, target, check)
        path.unlink()


def _copy(file: BinaryIO, target: Path, check: Callable[[], object]) -> None:
    file.seek(0)
    try:
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            copy.writelines(_pieces(file, check))
            copy.flush()
            os.fsync(copy.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _pieces(file: BinaryIO, check: Callable[[], object]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece
        check()
