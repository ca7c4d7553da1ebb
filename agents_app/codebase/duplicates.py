"""Files with the same content: how many there are, and how much of the code base they take.

Files are compared by size first, so that most are never read, then by a digest of their content. They are
read here and not in an inspecting process: a digest understands nothing of what it reads, so that nothing in
it can do harm.
"""

import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agents_app.codebase.files import Listing, SourceFile, steadily
from agents_app.codebase.source import Source
from agents_app.codebase.tops import Top
from agents_app.context import ToolContext
from agents_app.stages import Remaining, Stage

# Below this are empty markers, one-line re-exports and the like: alike by nature, not copied.
MIN_BYTES = 64
TOP_GROUPS = 20
PATHS_A_GROUP = 10
BUDGET_SECONDS = 30.0
_CHUNK_BYTES = 256 * 1024
_FILE_WEIGHT = 500


@dataclass(frozen=True, kw_only=True)
class Group:
    """Files of one content. `bytes` is what all but one of them take; `paths` are the first of `files`."""

    bytes: int
    files: int
    paths: list[str]


@dataclass
class Duplicates:
    """What was found: `files` in `groups` of one content each; `bytes` is what all but one of each take.

    `unreached` files were not compared because the time was over, `unreadable` ones could not be read.
    """

    groups: int = 0
    files: int = 0
    bytes: int = 0
    largest: list[Group] = field(default_factory=list)
    unreached: int = 0
    unreadable: int = 0


def find(stage: Stage, source: Source, listing: Listing) -> Duplicates:
    """Compare the files in `listing` of `MIN_BYTES` or more; progress is bytes read. Raises `Stopped`."""
    alike = _of_a_size_with_others(stage.context, listing)
    found, reading = Duplicates(), _Reading(stage, source.folder, alike)
    by_content: dict[bytes, list[SourceFile]] = {}
    for number, file in enumerate(alike):
        if reading.out_of_time:
            found.unreached = len(alike) - number
            break
        content = reading.digest(file)
        if content:
            by_content.setdefault(content, []).append(file)
        else:
            found.unreadable += 1
    _sum_up(found, by_content.values())
    stage.at(1.0)
    return found


def _of_a_size_with_others(context: ToolContext, listing: Listing) -> list[SourceFile]:
    sizes = Counter(file.size for file in steadily(context, listing.files) if file.size >= MIN_BYTES)
    return [file for file in steadily(context, listing.files) if sizes[file.size] > 1]


def _sum_up(found: Duplicates, contents: Iterable[list[SourceFile]]) -> None:
    largest: Top[Group] = Top(TOP_GROUPS)
    for files in contents:
        if len(files) < 2:
            continue
        wasted = files[0].size * (len(files) - 1)
        found.groups += 1
        found.files += len(files)
        found.bytes += wasted
        paths = [file.path for file in files[:PATHS_A_GROUP]]
        largest.add(wasted, Group(bytes=wasted, files=len(files), paths=paths))
    found.largest = largest.items()


class _Reading:
    """Reads files for their digests and tells how far it is."""

    def __init__(self, stage: Stage, root: Path, files: list[SourceFile]) -> None:
        self._stage = stage
        self._root = str(root)
        self._all = sum(file.size + _FILE_WEIGHT for file in files)
        self._done = 0
        self._end = time.monotonic() + BUDGET_SECONDS
        self._remaining = Remaining()

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() > self._end

    def digest(self, file: SourceFile) -> bytes:
        """Return what stands for a file's content and size; nothing if it is no longer as it was listed."""
        try:
            descriptor = os.open(
                os.path.join(self._root, file.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError:
            return b""
        try:
            status = os.fstat(descriptor)
            regular = stat.S_ISREG(status.st_mode) and status.st_size == file.size
            return self._read(descriptor, file.size) if regular else b""
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, size: int) -> bytes:
        seen, left = hashlib.blake2b(size.to_bytes(8, "big"), digest_size=16), size
        self._tell(_FILE_WEIGHT)
        while left and (chunk := os.read(descriptor, min(left, _CHUNK_BYTES))):
            seen.update(chunk)
            left -= len(chunk)
            self._tell(len(chunk))
        return b"" if left else seen.digest()

    def _tell(self, weight: int) -> None:
        self._done += weight
        fraction = self._done / self._all
        self._stage.at(fraction, self._remaining.seconds(fraction))
