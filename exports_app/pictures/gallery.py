"""The files that one export's messages name: looked up and converted some at a time, within limits."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from agents_app.context import ToolContext
from agents_app.files import storage
from agents_app.files.model import StoredFile
from exports_app.pictures import batches, marks
from exports_app.pictures.attached import Attached, Attachments, Picture
from exports_app.pictures.batches import Outcome

PICTURES_AT_MOST = 250
BYTES_AT_MOST = 60 * 1024**2
SECONDS_AT_MOST = 150.0
"""For converting them all; an export has 300."""
PICTURES_A_MESSAGE = 24
"""A message is set at once, and a picture takes about 6 MB while it is."""
BATCH = 12
GONE = batches.PROBLEMS["gone"]
TOO_MANY = "not shown: one export has no room for more pictures"
TOO_SLOW = "not shown: the pictures of this export took too long"
TOO_MANY_IN_A_MESSAGE = "not shown: one message has no room for more pictures"
_REMEMBERED = 1000
_LOOKED_UP_TOGETHER = 200


@contextmanager
def opened(context: ToolContext, owner_id: int, on_made: Callable[[], None]) -> Iterator["Gallery"]:
    """Provide the files of a user to an export; the pictures made for it are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pictures-", dir=context.workdir))
    try:
        yield Gallery(context, owner_id, folder, on_made)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Gallery(Attachments):
    """Finds files of `owner_id` and makes pictures of theirs in `folder`, each once.

    What it remembers is bounded, however many files the messages name. `on_made` is called for each picture.
    """

    def __init__(
        self,
        context: ToolContext,
        owner_id: int,
        folder: Path,
        on_made: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = self._folder = folder
        self._context = context
        self._owner_id = owner_id
        self._on_made = on_made
        self._expected: dict[UUID, None] = {}
        self._known: dict[UUID, Attached | None] = {}
        self._made: dict[UUID, Outcome] = {}
        self._count = self._bytes = 0
        self._seconds = 0.0

    def expect(self, file_ids: Iterable[UUID]) -> None:
        """Remember which files come next; of very many the last."""
        self._expected |= dict.fromkeys(islice(file_ids, _REMEMBERED))
        for file_id in list(islice(self._expected, max(len(self._expected) - _REMEMBERED, 0))):
            del self._expected[file_id]

    def told(self, file_id: UUID) -> Attached | None:
        """Return a file by what its row says."""
        if file_id not in self._known:
            unknown = (other for other in self._expected if other not in self._known)
            self._look_up([file_id, *islice(unknown, _LOOKED_UP_TOGETHER)])
        return self._known[file_id]

    def has_to_make(self, file_ids: Iterable[UUID]) -> bool:
        """Whether one is not made, if it is a picture."""
        return any(file_id not in self._made and self.told(file_id) is not None for file_id in file_ids)

    def shown(self, file_id: UUID, place: int = 0) -> Attached | None:
        """Return a file, with its picture if it is one and there is room for it."""
        attached = self.told(file_id)
        if attached is None or attached.note or not _is_picture(file_id):
            self._expected.pop(file_id, None)
            return attached
        if place >= PICTURES_A_MESSAGE:
            return replace(attached, note=TOO_MANY_IN_A_MESSAGE)
        outcome = self._outcome(file_id)
        if isinstance(outcome, Picture) and self._takes(outcome.path.stat().st_size):
            return replace(attached, picture=outcome)
        return replace(attached, note=outcome if isinstance(outcome, str) else TOO_MANY)

    def _takes(self, size: int) -> bool:
        """Count a picture if there is room for it: each time, as it is in the file each time."""
        if self._count >= PICTURES_AT_MOST or self._bytes + size > BYTES_AT_MOST:
            return False
        self._count, self._bytes = self._count + 1, self._bytes + size
        return True

    def _outcome(self, file_id: UUID) -> Outcome:
        if file_id not in self._made:
            if self._seconds >= SECONDS_AT_MOST:
                return TOO_SLOW
            if self._count >= PICTURES_AT_MOST or len(self._made) >= PICTURES_AT_MOST + BATCH:
                return TOO_MANY
            self._make(self._batch(file_id))
        return self._made[file_id]

    def _batch(self, file_id: UUID) -> list[UUID]:
        """Return the picture asked for and those that are expected after it."""
        batch = [file_id]
        for other in islice(list(self._expected), _LOOKED_UP_TOGETHER):
            attached = self.told(other) if other not in self._made and other != file_id else None
            if attached is not None and not attached.note and _is_picture(other):
                batch.append(other)
            if len(batch) == BATCH:
                break
        return batch

    def _make(self, batch: list[UUID]) -> None:
        began = time.monotonic()
        sources = {str(file_id): storage.path_of(file_id) for file_id in batch}
        outcomes = batches.convert(self._context, sources, self._folder, self._on_made)
        for file_id in batch:
            self._made[file_id] = outcomes[str(file_id)]
            self._expected.pop(file_id, None)
        self._seconds += time.monotonic() - began

    def _look_up(self, file_ids: list[UUID]) -> None:
        """Read rows; what others own, or an attempt that was superseded delivered, is nothing here."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known |= dict.fromkeys(file_ids)
        now = timezone.now()
        for stored in StoredFile.objects.owned_by(self._owner_id).filter(pk__in=file_ids, state="ready"):
            note = "" if stored.expires_at > now else GONE
            self._known[stored.pk] = Attached(name=stored.name, size=stored.size, note=note)


def _is_picture(file_id: UUID) -> bool:
    """Whether it begins as one; what was removed meanwhile may have been one."""
    with suppress(FileNotFoundError):
        return marks.is_picture(storage.path_of(file_id))
    return True
