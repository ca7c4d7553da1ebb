"""The process that unpacks a hostile archive: `python -m agents_app.codebase.unpacking ARCHIVE FOLDER LIMITS`

LIMITS is JSON. It prints lines of JSON: `read` (bytes of the archive so far), and as the last one `skipped`
(members that were left out, counted by reason) or `code` and `message` of what is wrong. Decoders crash, loop
and swell on the right input: here that costs this process, whose memory is limited from outside. It makes
folders and regular files only, never over something that is there, and counts bytes while it writes them:
what headers say of sizes is believed nowhere.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from agents_app.codebase import archive_formats
from agents_app.codebase.archive_formats import Broken, Counted, Member
from agents_app.codebase.member_paths import safe_path

_CHUNK_BYTES = 256 * 1024
_TELL_SECONDS = 0.05
# Until that much is written, a high ratio is nothing but an empty log file.
_RATIO_FREE_BYTES = 16 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may unpack to: bytes, members, bytes of one file, times its own size."""

    total_bytes: int
    members: int
    member_bytes: int
    ratio: int


def main(archive: str, folder: str, limits: str) -> None:
    """Unpack and say how it went."""
    try:
        with Path(archive).open("rb", buffering=0) as raw:
            source = Counted(raw)
            unpacking = Unpacking(Path(folder), Limits(**json.loads(limits)), source)
            unpacking.all(archive_formats.members(source))
        _say({"skipped": dict(unpacking.skipped)})
    except Broken as broken:
        _say({"code": broken.code, "message": broken.message})
    except MemoryError:
        _say({"code": "archive_too_large", "message": "Unpacking the archive takes too much memory."})
    except archive_formats.DAMAGE as error:
        _say({"code": "archive_damaged", "message": f"The archive is damaged ({type(error).__name__})."})


@dataclass
class Unpacking:
    """Writes members below `folder` and counts; raises `Broken` when a limit is passed."""

    folder: Path
    limits: Limits
    source: Counted
    skipped: Counter[str] = field(default_factory=Counter)
    _members: int = 0
    _written: int = 0
    _told: float = 0.0

    def all(self, members: Iterator[Member]) -> None:
        """Write all of them."""
        for member in members:
            self._members += 1
            if self._members > self.limits.members:
                raise _too_large(f"holds more than {self.limits.members:,} files and folders")
            reason = self._one(member)
            if reason:
                self.skipped[reason] += 1
            self._tell()

    def _one(self, member: Member) -> str:
        """Write a member; return why it is left out, or nothing."""
        path = safe_path(member.name)
        if path is None:
            return "path leads out or is too long"
        if path == "":
            return ""
        if member.kind == "folder":
            return self._make(path)
        if member.kind != "file":
            return member.kind
        if member.size > self.limits.member_bytes:
            return f"larger than {self.limits.member_bytes // 1024**2} MiB"
        return self._make(path.rpartition("/")[0]) or self._write(path, member)

    def _make(self, path: str) -> str:
        try:
            (self.folder / path).mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            return "name is taken"
        return ""

    def _write(self, path: str, member: Member) -> str:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            descriptor = os.open(self.folder / path, flags, 0o600)
        except FileExistsError:
            return "name is taken"
        with open(descriptor, "wb", buffering=0) as target, member.open() as content:
            for chunk in _chunks(content):
                self._count(len(chunk))
                target.write(chunk)
        return ""

    def _count(self, size: int) -> None:
        self._written += size
        if self._written > self.limits.total_bytes:
            raise _too_large(f"unpacks to more than {self.limits.total_bytes // 1024**2:,} MiB")
        if self._written > max(_RATIO_FREE_BYTES, self.source.count * self.limits.ratio):
            raise _too_large(f"unpacks to more than {self.limits.ratio:,} times its size")
        self._tell()

    def _tell(self) -> None:
        if time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            _say({"read": self.source.count})


def _chunks(content: IO[bytes]) -> Iterable[bytes]:
    while chunk := content.read(_CHUNK_BYTES):
        yield chunk


def _too_large(what: str) -> Broken:
    return Broken("archive_too_large", f"The archive {what}.")


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
