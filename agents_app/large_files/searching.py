"""Lines that match a regular expression, in time that grows with the text and not with the expression."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import re2

from agents_app.context import ToolError
from agents_app.large_files.lines import shown, unified
from agents_app.large_files.telling import Told

SHOWN_MATCHES = 50
LINE_CHARACTERS = 300
FOUND_MAX_BYTES = 1024**3
BARS = 40


@dataclass
class Match:
    """A line that matches; `text` and the lines around it are cut where they are long."""

    line: int
    text: str
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


@dataclass
class Found:
    """What was found so far. `written` counts the lines in the file of matches, `places` those in each
    fortieth of the file."""

    matching_lines: int = 0
    lines: int = 0
    written: int = 0
    matches: list[Match] = field(default_factory=list)
    places: list[int] = field(default_factory=lambda: [0] * BARS)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def partial(self) -> dict[str, Any]:
        """Return it as what is known so far."""
        summary = f"{self.matching_lines:,} matching lines in {self.lines:,} lines so far."
        return {"summary": summary, **self.document()}


def compile_pattern(pattern: str, *, ignore_case: bool) -> Any:
    """Return an expression over bytes of UTF-8 that never goes beyond a line, `^` and `$` at its ends."""
    options = re2.Options()
    options.log_errors = False
    options.never_nl = True
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(b"(?m)" + pattern.encode(), options)
    except re2.error as error:
        raise ToolError("invalid_arguments", f"The pattern is not valid: {error}.") from None


def search(
    chunks: Iterable[bytes], pattern: Any, to: Path, told: Told, place: Callable[[], float], *, numbered: bool
) -> Found:
    """Find the lines of a text that match and write them to `to`, as `NUMBER:LINE` if `numbered`.

    `place()` says how far the reading is (0-1). A line above 1 MiB is searched in pieces. The file ends at
    1 GiB; counting goes on.
    """
    found, size, last, block = Found(), 0, 0, b"\n"
    with to.open("wb") as file:
        for block in unified(chunks):
            bar = min(BARS - 1, int(place() * BARS))
            for number, line in _matching_lines(pattern, block, found.lines + 1):
                if number == last:  # another piece of the same line
                    continue
                last = number
                _note(found, number, line, bar)
                if size <= FOUND_MAX_BYTES:
                    size += _write(file, number, line, numbered=numbered)
                    found.written += 1
                told.partial(found.partial)
            found.lines += block.count(b"\n")
            told.partial(found.partial)
    found.lines += not block.endswith(b"\n")
    return found


def add_context(chunks: Iterable[bytes], matches: Iterable[Match], count: int) -> None:
    """Give each match the `count` lines before and after it, from the text read anew."""
    around = {match.line: range(match.line - count, match.line + count + 1) for match in matches}
    texts = lines_by_number(chunks, {number for numbers in around.values() for number in numbers})
    for match in matches:
        numbers = around[match.line]
        match.before = [_cut(texts[number]) for number in numbers if number < match.line and number in texts]
        match.after = [_cut(texts[number]) for number in numbers if number > match.line and number in texts]


def lines_by_number(
    chunks: Iterable[bytes], wanted: Iterable[int], limit: int = 4 * LINE_CHARACTERS
) -> dict[int, bytes]:
    """Return the lines with these numbers, counted from 1, each cut after `limit` bytes, in their order."""
    numbers = sorted(number for number in wanted if number > 0)
    found: dict[int, bytes] = {}
    ends = position = 0
    for block in unified(chunks):
        if position == len(numbers):
            break
        last = ends + block.count(b"\n")
        if numbers[position] <= last + 1:
            position = _pick(block, ends, last, numbers, position, found, limit)
        ends = last
    return found


def _pick(
    block: bytes, ends: int, last: int, numbers: list[int], position: int, found: dict[int, bytes], limit: int
) -> int:
    """Take the wanted lines out of a block; return the place of the first number that may still come."""
    lines = block.split(b"\n")
    while position < len(numbers) and numbers[position] <= last + 1:
        number = numbers[position]
        line = lines[number - ends - 1]
        if line or number <= last:
            found[number] = (found.get(number, b"") + line)[:limit]
        if number > last:  # the rest of this line may be in the next block
            break
        position += 1
    return position


def _matching_lines(pattern: Any, block: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each line that matches, once."""
    position, counted, number = 0, 0, first
    while (match := pattern.search(block, position)) is not None:
        start = block.rfind(b"\n", 0, match.start()) + 1
        end = block.find(b"\n", match.end())
        end = len(block) if end < 0 else end
        if start == len(block) and block.endswith(b"\n"):
            return  # behind the last line's end there is no line
        number += block.count(b"\n", counted, start)
        counted = start
        yield number, block[start:end]
        position = end + 1
        if position > len(block):
            return


def _note(found: Found, number: int, line: bytes, bar: int) -> None:
    found.matching_lines += 1
    found.places[bar] += 1
    if len(found.matches) < SHOWN_MATCHES:
        found.matches.append(Match(number, _cut(line)))


def _write(file: IO[bytes], number: int, line: bytes, *, numbered: bool) -> int:
    written = b"%d:%s\n" % (number, line) if numbered else line + b"\n"
    return file.write(written)


def _cut(line: bytes) -> str:
    return shown(line, LINE_CHARACTERS)
