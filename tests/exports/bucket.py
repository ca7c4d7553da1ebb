"""A storage that is no folder: it has no paths, and fails when it is told to."""

import errno
from datetime import datetime
from io import BytesIO
from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils import timezone


class Unreachable(Exception):
    """What a bucket's library raises is its own, and no OSError."""


class Bucket(Storage):
    """Files in memory, for all who use it."""

    files: dict[str, bytes] = {}
    stored_at: dict[str, datetime] = {}
    is_down = False
    room: int | None = None
    """So many bytes of a file it takes, and keeps them when it has no more room."""

    @classmethod
    def empty(cls) -> None:
        """Begin anew."""
        cls.files, cls.stored_at, cls.is_down, cls.room = {}, {}, False, None

    def _open(self, name: str, mode: str = "rb") -> File:
        return File(BytesIO(self._reached()[name]), name)

    def _save(self, name: str, content: File) -> str:
        files = self._reached()
        body = b"".join(content.chunks())
        self.stored_at[name] = timezone.now()
        files[name] = body if self.room is None else body[: self.room]
        if self.room is not None and len(body) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device", "/srv/secret/place")
        return name

    def delete(self, name: str) -> None:
        """Remove a file."""
        self._reached().pop(name, None)

    def exists(self, name: str) -> bool:
        """Whether there is a file; there are no folders."""
        return name in self._reached()

    def listdir(self, path: str) -> Any:
        """Return no folders, and the files below `path`."""
        return [], [name.removeprefix(f"{path}/") for name in self._reached() if name.startswith(f"{path}/")]

    def get_modified_time(self, name: str) -> datetime:
        """Return when a file was stored."""
        self._reached()
        return self.stored_at[name]

    def _reached(self) -> dict[str, bytes]:
        if self.is_down:
            raise Unreachable("Could not connect to https://secret.bucket.example/")
        return self.files
