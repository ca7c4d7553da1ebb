"""Where a file comes from: the store of files, an allowed folder, the network."""

import stat
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from agents_app.context import ToolContext, ToolError
from agents_app.files import reading
from agents_app.large_files import address, download, paths
from agents_app.stages import Stage
from sessions_app.errors import Refusal


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
    try:
        if path is not None:
            return _allowed(path)
        where = address.parse(url or "")
    except Refusal as refusal:
        raise ToolError(refusal.code, refusal.detail) from None
    fetched = download.fetch(context, stage, where, settings.LARGE_FILE_MAX_BYTES)
    return Source(path=fetched, name=where.name, origin=where.shown)


def _allowed(text: str) -> Source:
    """Return a regular file; raises `Refusal`, in the same words whether others exist or not."""
    real = paths.allowed(text)
    try:
        regular = stat.S_ISREG(real.lstat().st_mode)
    except OSError:
        regular = False
    if not regular:
        raise paths.refusal()
    return Source(path=real, name=real.name, origin="path")
