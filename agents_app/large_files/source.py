"""Where a file comes from: the store of files, an allowed folder, the network."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from agents_app.codebase import folder
from agents_app.context import ToolContext, ToolError
from agents_app.files import reading
from agents_app.large_files import address, download
from agents_app.stages import Stage
from sessions_app.errors import Refusal

_NOT_ALLOWED = "There is no such file in the folders that the operator allows."


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file on this machine. `name` is hostile text, `origin` says where it came from."""

    path: Path
    name: str
    origin: str


def find(context: ToolContext, stage: Stage, file: str | None, path: str | None, url: str | None) -> Source:
    """Return the file that one of the three names; a download goes into `context.workdir`.

    Raises `Stopped` and `ToolError` (`file_not_found`, `file_not_allowed`, and those of `download.fetch`).
    """
    if file is not None:
        found = reading.readable(context.owner_id, file)
        return Source(path=found.path, name=found.name, origin="file")
    if path is not None:
        return _allowed(path, settings.ALLOWED_FOLDERS)
    try:
        where = address.parse(url or "")
    except Refusal as refusal:
        raise ToolError(refusal.code, refusal.detail) from None
    fetched = download.fetch(context, stage, where, settings.LARGE_FILE_MAX_BYTES)
    return Source(path=fetched, name=where.name, origin=where.shown)


def _allowed(text: str, folders: Sequence[Path]) -> Source:
    """Return a regular file in one of `folders`, in the same words whether others exist or not."""
    try:
        real = folder.allowed(text, folders)
        regular = stat.S_ISREG(real.lstat().st_mode)
    except (Refusal, OSError):
        regular = False
    if not regular:
        raise ToolError("file_not_allowed", _NOT_ALLOWED)
    return Source(path=real, name=real.name, origin="path")
