"""Text as blocks of whole lines, however long lines are."""

import os
from collections.abc import Iterable, Iterator

_PIECE_BYTES = 64 * 1024
LINE_MAX_BYTES = 1024**2
"""Longer lines come in pieces of at least this and at most this and a block more."""


def blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks that end with a line's end; the last, and pieces of long lines, need not."""
    rest: list[bytes] = []
    size = 0
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join([*rest, chunk[:end]])
            rest, size = [chunk[end:]], len(chunk) - end
        else:
            rest.append(chunk)
            size += len(chunk)
        if size >= LINE_MAX_BYTES:
            yield b"".join(rest)
            rest, size = [], 0
    if size:
        yield b"".join(rest)


def unified(chunks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield the blocks of a text with `\n` at the end of each line, where the file has `\r\n`."""
    for block in blocks(chunks):
        yield block.replace(b"\r\n", b"\n") if b"\r" in block else block


def has_longer(descriptor: int, size: int, limit: int) -> bool:
    """Whether a file of `size` bytes has a line of more than `limit`; little of it is read for that."""
    start = 0
    while start + limit < size:
        end = _last_end(descriptor, start, start + limit + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _last_end(descriptor: int, start: int, stop: int) -> int:
    """Return where the last line between two places ends, or -1; it is looked for from behind."""
    while stop > start:
        begin = max(start, stop - _PIECE_BYTES)
        place = os.pread(descriptor, stop - begin, begin).rfind(b"\n")
        if place >= 0:
            return begin + place
        stop = begin
    return -1


def shown(line: bytes, limit: int) -> str:
    """Return a line as text, without its end and cut after `limit` characters."""
    text = line[: 4 * limit + 4].rstrip(b"\r\n").decode(errors="replace")
    return text if len(text) <= limit else text[: limit - 1] + "…"
