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
        wanted = set(changes(text))
        if not wanted:
            return text
        text = changed(text, wanted)
    raise Unsettled


def changed(text: str, changes: Iterable[Change]) -> str:
    """Return the text after changes; of two at one place the first."""
    return b"".join(_pieces(text.encode(), sorted(changes))).decode()


def _pieces(data: bytes, changes: list[Change]) -> Iterator[bytes]:
    end = 0
    for change in changes:
        if change.start >= end:
            yield data[end : change.start]
            yield change.instead
            end = change.end
    yield data[end:]
