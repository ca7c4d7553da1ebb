"""Files as renderers see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from agents_app.wording.tables import size


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that was made here: JPEG or PNG of bounded size, without metadata. Width, height: pixels."""

    path: Path
    content_type: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A file of the session's owner; `note` says why there is no picture of what should have one."""

    name: str
    size: int
    note: str = ""
    picture: Picture | None = None

    @property
    def facts(self) -> str:
        """What stands beside its name: how large it is, and the note."""
        return "  ·  ".join(filter(None, [size(self.size), self.note]))


class Attachments:
    """Finds files by their ids. This one has none: what is rendered without an attempt shows no files."""

    folder: Path | None = None
    """Where the pictures are, and nothing else."""

    def expect(self, file_ids: Iterable[UUID]) -> None:
        """Hear which files will probably be asked for next: they are looked up and converted together."""

    def told(self, file_id: UUID) -> Attached | None:
        """Return a file without its picture; None for what is no file of the owner's."""
        return None

    def has_to_make(self, file_ids: Iterable[UUID]) -> bool:
        """Whether showing these would begin to convert pictures."""
        return False

    def shown(self, file_id: UUID, place: int = 0) -> Attached | None:
        """Return a file with its picture, which then counts as one of this export's.

        `place` is its number in its message, from 0. Raises `Stopped`, and `OSError` if none can be made.
        """
        return None


NO_FILES = Attachments()
