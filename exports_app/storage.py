"""Where the files of exports are: Django's storage under the alias `exports`, a folder or a bucket far away.

What a storage raises when it fails is its library's own. Here it becomes `StorageFailed`, in words that tell
users nothing of the server; the log has the rest.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

logger = logging.getLogger(__name__)

ALIAS = "exports"
FOLDER = "exports"


class StorageFailed(Exception):
    """The storage did not do it; the message says why, without an end: `no space left on device`."""


def chosen() -> Storage:
    """Return the storage. Raises `ImproperlyConfigured` for settings that make none."""
    try:
        storage: Any = storages[ALIAS]
    except Exception as error:  # whatever the class raises that was named
        raise _misconfigured(str(error)) from error
    if not isinstance(storage, Storage):
        raise _misconfigured(f"{type(storage).__name__} is no storage of Django's")
    if getattr(storage, "bucket_name", "") is None:
        raise _misconfigured("the options name no bucket_name")
    return storage


def is_local() -> bool:
    """Whether it is a folder: nobody waits long for that, and a copy that broke off is seen in it."""
    return isinstance(chosen(), FileSystemStorage)


class _Told(File):
    """A file that tells how many of its bytes are read."""

    def __init__(self, file: IO[bytes], tell: Callable[[int], object]) -> None:
        super().__init__(file)
        self._source = file
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self._tell(self._source.tell())
        return piece


def put(name: str, path: Path, on_read: Callable[[int], object] = lambda read: None) -> None:
    """Store the file at `path` under `name`, in place of what is there; whole or, if it fails, not at all.

    `on_read` is told how many of its bytes are on their way. Raises `StorageFailed`, and what `on_read` does:
    if that is `Stopped`, a folder has a part of the file then, as of an attempt that was killed.
    """
    with _failing_plainly(), path.open("rb") as file:
        storage = chosen()
        # An attempt that was killed in mid-copy left a part under this very name.
        storage.delete(name)
        try:
            stored_as = storage.save(name, _Told(file, on_read))
        except Exception:  # not of who is stopped: by now it may be the file of the next attempt
            with suppress(Exception):
                storage.delete(name)
            raise
        if stored_as != name:
            storage.delete(stored_as)
            raise StorageFailed("the storage keeps it under another name")


def remove(name: str) -> None:
    """Remove a file, if there is one. Raises `StorageFailed`."""
    with _failing_plainly():
        chosen().delete(name)


def exists(name: str) -> bool:
    """Return whether there is a file. Raises `StorageFailed`."""
    with _failing_plainly():
        return bool(chosen().exists(name))


def opened(name: str) -> IO[bytes]:
    """Open a file to read it. Raises `StorageFailed`."""
    with _failing_plainly():
        return chosen().open(name, "rb")


def stored() -> list[str]:
    """Return the names of all files. Raises `StorageFailed`."""
    with _failing_plainly(), suppress(FileNotFoundError):
        return [f"{FOLDER}/{name}" for name in chosen().listdir(FOLDER)[1]]
    return []


def modified_at(name: str) -> datetime | None:
    """Return when a file was stored; None for what is gone meanwhile. Raises `StorageFailed`."""
    with _failing_plainly(), suppress(FileNotFoundError):
        return chosen().get_modified_time(name)
    return None


@contextmanager
def _failing_plainly() -> Iterator[None]:
    try:
        yield
    except (StorageFailed, ImproperlyConfigured):
        raise
    except Exception as error:  # each library has its own
        logger.warning("the storage of exports failed", exc_info=True)
        # Without `strerror` it is Django's own, whose text names folders of the server.
        reason = error.strerror if isinstance(error, OSError) else None
        raise StorageFailed(reason or "the storage does not answer, or refuses it") from error


def _misconfigured(reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"EXPORT_STORAGE_BACKEND and EXPORT_STORAGE_OPTIONS make no storage for exports: {reason}."
    )
