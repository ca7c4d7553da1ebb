"""An uploaded archive as something to analyse: unpacked into a folder of this attempt."""

import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agents_app.codebase.inventory import MAX_FILES
from agents_app.codebase.source import Source
from agents_app.context import ToolContext, ToolError
from agents_app.isolation.subprocesses import Command, Limits, Lines, Tail, TooLong, python_command, run
from agents_app.stages import Remaining, Stage

MAX_MEMBERS = 2 * MAX_FILES
MAX_MEMBER_BYTES = 256 * 1024**2
# Source code packs to a fifth, logs to a twentieth; deflate reaches a thousand on zeros alone.
MAX_RATIO = 200
SILENCE_SECONDS = 30.0
_MEMORY_BYTES = 1024**3
_SUFFIX = re.compile(r"\.(?:zip|tar|tgz|tbz2?|txz|tzst|tar\.(?:gz|bz2|xz|zst))$", re.IGNORECASE)
_RESOURCE_FORKS = "__MACOSX"


def unpack(context: ToolContext, stage: Stage, path: Path, name: str, max_bytes: int) -> Source:
    """Unpack the archive at `path`, which its user calls `name`, into `context.workdir`.

    A single folder in it is the root. Progress is bytes of the archive read.

    Raises `Stopped` and `ToolError`: `archive_too_large`, `archive_damaged`, `archive_unsupported`.
    """
    folder = context.workdir / "unpacked"
    folder.mkdir()
    progress = _Progress(stage, path.stat().st_size)
    command, lines = _command(path, folder, max_bytes), Lines(progress.take)
    try:
        code = run(context, command, on_output=lines, on_error=Tail(), watch=progress.watch)
    except TooLong:
        raise _breaks() from None
    skipped = _outcome(progress.last, code)
    shown = _SUFFIX.sub("", name) or name
    return Source(folder=_root(folder), name=shown, origin={"file": name}, left_out=skipped)


def _command(path: Path, folder: Path, max_bytes: int) -> Command:
    limits = {
        "total_bytes": max_bytes,
        "members": MAX_MEMBERS,
        "member_bytes": MAX_MEMBER_BYTES,
        "ratio": MAX_RATIO,
    }
    return python_command(
        "agents_app.codebase.unpacking",
        *(str(path), str(folder), json.dumps(limits)),
        limits=Limits(memory_bytes=_MEMORY_BYTES, file_bytes=max_bytes),
    )


def _outcome(last: Mapping[str, Any], code: int) -> dict[str, int]:
    """Return what was left out, by reason; raise what went wrong."""
    if "code" in last:
        raise ToolError(last["code"], last["message"])
    if code != 0 or "skipped" not in last:
        raise _breaks()
    return dict(last["skipped"])


def _breaks() -> ToolError:
    return ToolError("archive_damaged", "The archive breaks the program that unpacks it.")


def _root(folder: Path) -> Path:
    """Return the folder with the code: most archives hold one folder that holds all else."""
    entries = [entry for entry in os.scandir(folder) if entry.name != _RESOURCE_FORKS]
    if len(entries) == 1 and entries[0].is_dir(follow_symlinks=False):
        return Path(entries[0].path)
    return folder


class _Progress:
    """What the unpacking process says."""

    def __init__(self, stage: Stage, size: int) -> None:
        self.last: Mapping[str, Any] = {}
        self._stage = stage
        self._size = max(1, size)
        self._remaining = Remaining()
        self._heard = time.monotonic()

    def take(self, line: bytes) -> None:
        """Take a line of what it prints."""
        self._heard = time.monotonic()
        with suppress(ValueError):
            self.last = json.loads(line)
        fraction = self.last.get("read", 0) / self._size
        self._stage.at(fraction, self._remaining.seconds(fraction))

    def watch(self) -> None:
        if time.monotonic() - self._heard > SILENCE_SECONDS:
            raise ToolError(
                "archive_damaged", "The archive keeps the program that unpacks it busy for nothing."
            )
