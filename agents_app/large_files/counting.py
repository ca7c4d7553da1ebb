"""How large a text is: lines, words, the longest line."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from agents_app.large_files.lines import blocks
from agents_app.large_files.opening import Opened
from agents_app.large_files.telling import Told

_LOOK_SECONDS = 0.02


@dataclass
class Size:
    """Figures of a text. Sizes are in bytes of UTF-8; a last line without an end counts."""

    lines: int = 0
    bytes: int = 0
    words: int = 0
    longest_line_bytes: int = 0
    longest_line: int = 0

    def document(self) -> dict[str, Any]:
        """Return the figures."""
        return asdict(self)


def count_lines(opened: Opened, told: Told) -> int:
    """Return the number of lines of a file that is neither compressed nor in another encoding.

    The program `wc` counts several times faster than Python can; it shares this file's position, which is how
    far it is.
    """
    opened.file.seek(0)
    with subprocess.Popen(["wc", "-l"], stdin=opened.file, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            told.progress(os.lseek(opened.file.fileno(), 0, os.SEEK_CUR) / (opened.size or 1))
            _wait(process)
        ends = int(process.stdout.read()) if process.stdout else 0
    last = os.pread(opened.file.fileno(), 1, max(0, opened.size - 1))
    return ends + (last not in (b"", b"\n"))


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return


def measure(chunks: Iterable[bytes], told: Told) -> Size:
    """Return all figures of a text, and tell those so far on the way."""
    size = Size()
    current, open_word = 0, False
    for block in blocks(chunks):
        lines = block.split(b"\n")
        size.bytes += len(block)
        # A long line comes in pieces, and so may a word.
        size.words += len(block.split()) - (open_word and not block[:1].isspace())
        open_word = not block[-1:].isspace()
        lengths = [*map(len, lines)]
        lengths[0] += current
        current = lengths.pop()
        _longest(size, lengths)
        size.lines += len(lengths)
        told.partial(lambda: {"summary": f"{size.lines:,} lines so far.", **size.document()})
    if current:
        _longest(size, [current])
        size.lines += 1
    return size


def _longest(size: Size, lengths: list[int]) -> None:
    longest = max(lengths, default=0)
    if longest > size.longest_line_bytes:
        size.longest_line_bytes = longest
        size.longest_line = size.lines + lengths.index(longest) + 1


def count_streamed(chunks: Iterable[bytes], told: Told) -> int:
    """Return the number of lines of any text."""
    size, last = Size(), b"\n"
    for chunk in filter(None, chunks):
        size.lines += chunk.count(b"\n")
        last = chunk[-1:]
        told.partial(lambda: {"summary": f"{size.lines:,} lines so far.", "lines": size.lines})
    return size.lines + (last != b"\n")
