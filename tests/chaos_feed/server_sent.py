"""Reads server-sent events from pieces of a stream, as a browser does."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One event of a stream; `id` is empty where the stream gave it none of its own."""

    id: str
    data: str


class Parser:
    """Takes bytes as they come. Only CR, LF and both end a line: other line breaks belong to the data."""

    def __init__(self) -> None:
        self._rest = b""
        self._id = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> Iterator[Sent]:
        """Yield the events that `part` completes."""
        whole = self._rest + part
        # A CR at the very end may be half of a line break.
        held = whole[-1:] if whole.endswith(b"\r") else b""
        lines = whole[: len(whole) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        for line in lines:
            yield from self._take(line.decode())

    def _take(self, line: str) -> Iterator[Sent]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield from self._dispatch()
        elif name == "id":
            self._id = value
        elif name == "data":
            self._data.append(value)

    def _dispatch(self) -> Iterator[Sent]:
        sent = Sent(id=self._id, data="\n".join(self._data))
        is_empty = not self._data
        self._id, self._data = "", []
        if not is_empty:
            yield sent
