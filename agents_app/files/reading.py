"""Reading a file: what tools see of it."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from agents_app.context import ToolError
from agents_app.files import storage
from agents_app.files.model import StoredFile

NOT_FOUND = "There is no such file of yours: it is unknown, not there whole yet, or its time is over."


@dataclass(frozen=True, kw_only=True)
class ReadableFile:
    """A file that is there whole. `path` is read only, `name` is what its user calls it."""

    path: Path
    name: str
    size: int
    content_type: str
    sha256: str


def readable(owner_id: int, file_id: str) -> ReadableFile:
    """Return a user's file. Raises `ToolError` (`file_not_found`): others' look like none."""
    stored = find(owner_id, file_id)
    path = storage.path_of(stored.pk) if stored else None
    if stored is None or path is None or not path.is_file():
        raise ToolError("file_not_found", NOT_FOUND)
    return ReadableFile(
        path=path,
        name=stored.name,
        size=stored.size,
        content_type=stored.content_type,
        sha256=stored.sha256,
    )


def find(owner_id: int, file_id: str) -> StoredFile | None:
    """Return a user's file that is there whole, or None."""
    key = file_key(file_id)
    if key is None:
        return None
    return StoredFile.objects.owned_by(owner_id).ready(timezone.now()).filter(pk=key).first()


def file_key(file_id: str) -> UUID | None:
    """Return an id as a key of rows; None for what is no id."""
    try:
        return UUID(file_id)
    except ValueError:
        return None
