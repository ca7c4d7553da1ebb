"""Markdown that is written in another way before it is read."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

# One is enough, or two: what is changed may be read anew. A text could be made to need any number.
_ROUNDS = 10


class Unsettled(Exception):
    """A text comes to no end of changes, or is none that anybody could read."""


class Change(NamedTuple):
    """From one byte of a text up to another one stands something else."""

    start: int
    end: int
    instead: bytes


def settled(text: str, changes: Callable[[str], Iterable[Change]]) -> str:
    """Return the text after all changes, until there are none to it. Raises `Unsettled`."""
    for _ in range(_ROUNDS):
        wanted = sorted(set(changes(text)))
        if not wanted:
            return text
        text = b"".join(_pieces(text.encode(), wanted)).decode()
    raise Unsettled


def _pieces(data: bytes, wanted: list[Change]) -> Iterator[bytes]:
    end = 0
    for change in wanted:
        if change.start >= end:
            yield data[end : change.start]
            yield change.instead
            end = change.end
    yield data[end:]
