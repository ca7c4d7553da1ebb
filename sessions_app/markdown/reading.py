"""The parser: CommonMark with tables, strikethrough and task lists."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pyromark
from pyromark import Options

# `{"Start": tag}`, `{"Text": words}`, `"SoftBreak"` and so on: `pyromark.event` has them all.
Event: TypeAlias = Any
_OPTIONS = Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH | Options.ENABLE_TASKLISTS


def events(text: str) -> Iterator[tuple[Event, int, int]]:
    """Yield what Markdown `text` is made of, each with its first byte in UTF-8 and the one after it."""
    for event, place in pyromark.events_with_range(text, options=_OPTIONS, merge_text=True):
        yield event, place["start"], place["end"]


def html(text: str, *, block: Callable[[str | None, str], str | None]) -> str:
    """Return the HTML of Markdown `text`; HTML in it is HTML.

    `block(language, code)` returns the HTML of a block of code, or None for that of the parser.
    """
    return pyromark.html(text, options=_OPTIONS, highlight=block)
