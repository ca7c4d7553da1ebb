"""What a commit holds, counted before any of it is written to disk.

A few kilobytes of objects can stand for billions of files or for terabytes of zeros. git knows names and
sizes beforehand, so such a repository is refused without unpacking it.
"""

import os
from dataclasses import dataclass, field

from agents_app.context import ToolError

MAX_FILES = 200_000
_RECORD_MAX_BYTES = 64 * 1024


@dataclass
class Inventory:
    """Counts what `git ls-tree -r -l -z` prints; call it with each piece of output.

    Raises `ToolError` (`repository_too_large`) as soon as the files exceed `max_bytes` or `MAX_FILES`.
    """

    max_bytes: int
    files: int = 0
    size: int = 0
    submodules: int = 0
    links: set[str] = field(default_factory=set)
    _rest: bytes = b""

    def __call__(self, chunk: bytes) -> None:
        *records, self._rest = (self._rest + chunk).split(b"\0")
        for record in records:
            self._count(record)
        if self.files > MAX_FILES:
            raise ToolError("repository_too_large", f"The repository has more than {MAX_FILES:,} files.")
        if self.size > self.max_bytes or len(self._rest) > _RECORD_MAX_BYTES:
            limit = self.max_bytes // 1024**2
            raise ToolError("repository_too_large", f"The repository's files are larger than {limit:,} MiB.")

    def _count(self, record: bytes) -> None:
        head, _tab, path = record.partition(b"\t")
        mode, kind, _object, length = head.split()
        if kind == b"commit":
            self.submodules += 1
            return
        self.files += 1
        self.size += int(length) if length.isdigit() else 0
        if mode == b"120000":
            self.links.add(os.fsdecode(path))
