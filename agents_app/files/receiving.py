"""Uploads: announced, then received piece by piece, ready once all is there.

The row says how many bytes count. Who adds some holds a lock on the file, which ends with its process, and
moves the count from what it was: of two at the same place one is told where to go on.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app.files import kinds, names, room, storage
from agents_app.files.model import StoredFile
from sessions_app.errors import Refusal, not_found

UNFINISHED_DAYS = 1
STORED_EACH_BYTES = 8 * 1024 * 1024
"""So often the row is told how far it is: a process that dies loses no more."""
State = StoredFile.State


def announce(
    owner_id: Any, name: str, size: int, session_id: UUID | None = None, sha256: str = ""
) -> StoredFile:
    """Make room for an upload; one without bytes is ready at once.

    Raises `Refusal`: `file_too_large`, `quota_exceeded` (413).
    """
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES
        raise Refusal("file_too_large", f"A file has at most {limit:,} bytes, not {size:,}.", 413)
    with transaction.atomic():
        room.require(owner_id, size)
        stored = StoredFile.objects.create(
            owner_id=owner_id,
            session_id=session_id,
            name=names.cleaned(name),
            size=size,
            expected_sha256=sha256.lower(),
            expires_at=timezone.now() + timedelta(days=UNFINISHED_DAYS),
        )
    if not size:
        with opened(owner_id, stored.pk, 0) as reception:
            return reception.store()
    return stored


@contextmanager
def opened(owner_id: Any, file_id: UUID, offset: int) -> Iterator["Reception"]:
    """Open a user's upload to add bytes at `offset`; nobody else adds any meanwhile.

    Raises `Refusal`: `not_found`, `wrong_offset` with what was `received`, `upload_busy` (409).
    """
    reception = begin(owner_id, file_id, offset)
    try:
        yield reception
    finally:
        reception.close()


def begin(owner_id: Any, file_id: UUID, offset: int) -> "Reception":
    """Do as `opened` does, for who closes it himself."""
    _upload(owner_id, file_id)
    descriptor = os.open(storage.path_of(file_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    try:
        _lock(file)
        # What the row said before the lock may be the past.
        stored = _upload(owner_id, file_id)
        _require_offset(stored, offset, os.fstat(descriptor).st_size)
        file.truncate(offset)
        file.seek(offset)
    except BaseException:
        file.close()
        raise
    return Reception(stored, file)


class Reception:
    """An upload to which bytes are added; what was written counts once it is stored."""

    def __init__(self, stored: StoredFile, file: Any) -> None:
        self._stored = stored
        self._file = file
        self._end = stored.received

    @property
    def is_due(self) -> bool:
        """Whether so much was written that it ought to be stored."""
        return self._end - self._stored.received >= STORED_EACH_BYTES

    def require_room(self, size: int) -> None:
        """Refuse what is more than was announced. Raises `Refusal` (`file_too_large`, 413)."""
        if self._end + size > self._stored.size:
            detail = f"{self._stored.size:,} bytes were announced, and this is more."
            raise Refusal("file_too_large", detail, 413, received=self._stored.received)

    def write(self, piece: bytes) -> None:
        """Add a piece; a part of it may be there if it fails.

        Raises `OSError`, `Refusal` (`file_too_large`).
        """
        self.require_room(len(piece))
        rest = memoryview(piece)
        while rest:
            written = self._file.write(rest)
            self._end += written
            rest = rest[written:]

    def store(self) -> StoredFile:
        """Make what was written count; all of it there makes the file ready. Returns it as it stands.

        Raises `Refusal`: `checksum_mismatch` (422: all has to be sent anew), `not_found` (it was deleted).
        """
        if self._end == self._stored.size and self._stored.state == State.RECEIVING:
            os.fsync(self._file.fileno())
            return self._complete()
        until = timezone.now() + timedelta(days=UNFINISHED_DAYS)
        return self._move(received=self._end, expires_at=until) if self._has_news else self._stored

    def close(self) -> None:
        """Let others add to it."""
        self._file.close()

    @property
    def _has_news(self) -> bool:
        return self._end != self._stored.received

    def _complete(self) -> StoredFile:
        self._file.seek(0)
        head = self._file.read(kinds.HEAD_BYTES)
        self._file.seek(0)
        sha256 = storage.digest(self._file)
        if self._stored.expected_sha256 not in ("", sha256):
            self._begin_anew(sha256)
        return self._move(
            received=self._end,
            state=State.READY,
            sha256=sha256,
            content_type=kinds.content_type(head, self._stored.name),
            expires_at=timezone.now() + timedelta(days=settings.FILES_DAYS),
        )

    def _begin_anew(self, sha256: str) -> None:
        self._file.truncate(0)
        self._end = 0
        self._move(received=0)
        detail = f"What arrived has the checksum {sha256}, not the one that was announced. Send it anew."
        raise Refusal("checksum_mismatch", detail, 422, received=0)

    def _move(self, **values: Any) -> StoredFile:
        """Change the row, unless it is not any more what it was."""
        stored = self._stored
        before = StoredFile.objects.filter(pk=stored.pk, state=State.RECEIVING, received=stored.received)
        with transaction.atomic():
            moved = before.update(**values)
        if not moved:
            raise not_found("file")
        for name, value in values.items():
            setattr(stored, name, value)
        return stored


def _upload(owner_id: Any, file_id: UUID) -> StoredFile:
    kept = StoredFile.objects.owned_by(owner_id).kept(timezone.now())
    stored = kept.filter(pk=file_id, subagent=None).first()
    if stored is None:
        raise not_found("file")
    return stored


def _lock(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        detail = "Another request is adding to this file."
        raise Refusal("upload_busy", detail, 409, retry_after_seconds=1) from None


def _require_offset(stored: StoredFile, offset: int, on_disk: int) -> None:
    """Refuse any place but the end of what is there; bytes that a disk has lost count no more."""
    if on_disk < stored.received and stored.state == State.RECEIVING:
        with transaction.atomic():
            StoredFile.objects.filter(pk=stored.pk, state=State.RECEIVING).update(received=on_disk)
        stored.received = on_disk
    if offset != stored.received:
        detail = f"{stored.received:,} bytes have arrived; go on from there."
        raise Refusal("wrong_offset", detail, 409, received=stored.received)
