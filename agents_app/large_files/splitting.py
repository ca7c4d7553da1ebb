"""A text cut into parts at the ends of its rows; every byte of a row stays as it is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agents_app.context import ToolError
from agents_app.large_files.lines import blocks
from agents_app.large_files.telling import Told

PARTS_MAX = 10_000
# A quote that nothing closes must not make one row of all that follows.
_ROW_MAX_BYTES = 16 * 1024**2
_WITHIN_LINE = re.compile(rb'"[^"\n]*"')


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How to cut: `rows` or `bytes` in a part, 0 for no limit. In a `quoted` table a row may have line ends
    inside of quotes, and with `header` its first row begins every part."""

    rows: int = 0
    bytes: int = 0
    quoted: bool = False
    header: bool = False


class Parts:
    """Writes rows into numbered files in `folder`; `counts` are the rows of each."""

    def __init__(self, folder: Path, stem: str, suffix: str, cut: Cut) -> None:
        self.counts: list[int] = []
        self._folder, self._stem, self._suffix = folder, stem, suffix
        self._cut = cut
        self._header = b""
        self._file: IO[bytes] | None = None
        self._size = 0

    def close(self) -> None:
        """Close the last part."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def set_header(self, header: bytes) -> None:
        """Begin each part with this row."""
        self._header = header

    def fits(self, rows: int, size: int) -> bool:
        """Whether so many rows and bytes more fit into the part that is open."""
        if self._file is None:
            return False
        enough = not self._cut.rows or self.counts[-1] + rows <= self._cut.rows
        return enough and (not self._cut.bytes or self._size + size <= self._cut.bytes)

    def begin(self) -> None:
        """Begin the next part. Raises `ToolError` (`too_many_parts`)."""
        self.close()
        if len(self.counts) == PARTS_MAX:
            raise ToolError("too_many_parts", f"That makes more than {PARTS_MAX:,} parts.")
        self.counts.append(0)
        path = self._folder / f"{self._stem}-{len(self.counts):05}{self._suffix}"
        self._file = path.open("wb")
        self._size = self._file.write(self._header)

    def write(self, data: bytes, rows: int) -> None:
        """Write rows, or a piece of one (`rows` is 0 then), into the part that is open."""
        if self._file is None:
            self.begin()
        if self._file is not None:
            self._size += self._file.write(data)
        self.counts[-1] += rows


def split(chunks: Iterable[bytes], parts: Parts, cut: Cut, told: Told) -> None:
    """Write the text into `parts`. A row that is larger than a part gets one of its own."""
    headless = cut.header
    for group, rows in _groups(chunks, quoted=cut.quoted):
        header = _header(group, rows) if headless else b""
        if headless:
            parts.set_header(header)
        _write(parts, group[len(header) :], rows - headless)
        headless = False
        told.partial(lambda: {"summary": f"{len(parts.counts):,} parts so far.", "parts": len(parts.counts)})
    parts.close()


def _header(group: bytes, rows: int) -> bytes:
    """Return the first row of a group."""
    return group[: group.find(b"\n") + 1] if rows > 1 else group


def _write(parts: Parts, data: bytes, rows: int) -> None:
    """Write a group into the open part where it fits, else row by row; a row's end goes where it began."""
    if rows == 0 or parts.fits(rows, len(data)):
        if data:
            parts.write(data, rows)
        return
    for row in [data] if rows == 1 else _lines(data):
        if not parts.fits(1, len(row)):
            parts.begin()
        parts.write(row, 1)


def _groups(chunks: Iterable[bytes], *, quoted: bool) -> Iterator[tuple[bytes, int]]:
    """Yield data with the number of rows that begin in it: one, none, or many rows of one line each."""
    amid_line, row, odd = False, b"", False
    for whole in blocks(chunks):
        block = whole
        if amid_line and not row:
            end = block.find(b"\n") + 1 or len(block)
            yield block[:end], 0
            block = block[end:]
        amid_line = not block.endswith(b"\n") if block else amid_line
        if not row and not (quoted and b'"' in _WITHIN_LINE.sub(b"", block)):
            if block:
                yield block, block.count(b"\n") + amid_line
            continue
        for line in _lines(block):
            row += line
            odd ^= line.count(b'"') % 2 == 1
            if len(row) > _ROW_MAX_BYTES or (not odd and line.endswith(b"\n")):
                yield row, 1
                row, odd = b"", False
    if row:
        yield row, 1


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while end := data.find(b"\n", start) + 1:
        yield data[start:end]
        start = end
    if start < len(data):
        yield data[start:]
