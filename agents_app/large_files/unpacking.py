"""Making a plain file of what the table reader does not take: UTF-8, not compressed, JSON by the line."""

import codecs
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from agents_app.context import ToolError

ELEMENT_MAX_CHARACTERS = 4 * 1024**2
_BLANK = " \t\r\n"


def write(chunks: Iterable[bytes], to: Path) -> None:
    """Write a stream to a file."""
    with to.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)


def json_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each element of a JSON array, or each of several values, as a line.

    Raises `ToolError`: `file_damaged` for what is not JSON, `nested_too_deeply`, and `row_too_large` for an
    element above 4 Mi characters.
    """
    reader = _Reader(chunks)
    array = reader.take("[")
    while not (array and reader.take("]")) and not reader.at_end():
        text = reader.value()
        yield text.replace("\r", " ").replace("\n", " ").encode() + b"\n"
        if array and not reader.take(",") and not reader.next_is("]"):
            raise ToolError("file_damaged", "The JSON is damaged: a comma or the end of the list is missing.")
    if not reader.at_end():
        raise ToolError("file_damaged", "The JSON is damaged: something follows its end.")
    if array and not reader.closed:
        raise ToolError("file_damaged", "The JSON ends too early.")


class _Reader:
    """Reads one value after the other out of a stream, which is held only as far as a value needs."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.closed = False
        self._chunks = iter(chunks)
        self._decoder = json.JSONDecoder()
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""
        self._place = 0
        self._ended = False

    def at_end(self) -> bool:
        """Whether nothing but blanks is left."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in _BLANK:
                self._place += 1
            if self._place < len(self._text):
                return False
            if not self._more():
                return True

    def next_is(self, char: str) -> bool:
        """Whether `char` comes next, after blanks."""
        return not self.at_end() and self._text[self._place] == char

    def take(self, char: str) -> bool:
        """Go past `char` if it comes next."""
        if not self.next_is(char):
            return False
        self._place += 1
        self.closed = self.closed or char == "]"
        return True

    def value(self) -> str:
        """Return the text of the next value."""
        self.at_end()
        tried = 0
        while True:
            size = len(self._text) - self._place
            # Each try reads the value anew, so it waits until there is twice as much of it.
            if size >= 2 * tried or self._ended:
                end, tried = self._end_of_value(), size
                if end >= 0:
                    text, self._place = self._text[self._place : end], end
                    return text
            if self._ended:
                raise ToolError("file_damaged", "The JSON is damaged or ends too early.")
            if size > ELEMENT_MAX_CHARACTERS:
                message = f"One element of the JSON is larger than {ELEMENT_MAX_CHARACTERS:,} characters."
                raise ToolError("row_too_large", message)
            self._more()

    def _end_of_value(self) -> int:
        """Return where the next value ends, or -1 if that is not to be seen yet."""
        try:
            _value, end = self._decoder.raw_decode(self._text, self._place)
        except RecursionError:
            raise ToolError("nested_too_deeply", "The JSON is nested too deeply.") from None
        except ValueError:
            return -1
        # A number that touches the end may go on.
        return end if end < len(self._text) or self._ended else -1

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._ended = True
            return False
        self._text = self._text[self._place :] + self._utf8.decode(chunk)
        self._place = 0
        return True
