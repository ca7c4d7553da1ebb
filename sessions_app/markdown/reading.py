"""The parser: CommonMark with tables, strikethrough and task lists."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pyromark
from pyromark import Options

Event: TypeAlias = tuple[str, Any, int, int]
"""Its kind, what it says, its first byte in UTF-8 and the one after it: `pyromark.event` has them all.

What a `Start` and an `End` say is a tag: its name and details.
"""
_OPTIONS = Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH | Options.ENABLE_TASKLISTS


def events(text: str) -> Iterator[Event]:
    """Yield what Markdown `text` is made of."""
    for event, place in pyromark.events_with_range(text, options=_OPTIONS, merge_text=True):
        kind, value = _pair(event)
        yield kind, _pair(value) if kind in ("Start", "End") else value, place["start"], place["end"]


def _pair(value: Any) -> tuple[str, Any]:
    """Return a name and what comes with it: `"Rule"` and `{"Text": "words"}` are both written so."""
    return (value, None) if isinstance(value, str) else next(iter(value.items()))


def html(text: str, *, block: Callable[[str | None, str], str | None]) -> str:
    """Return the HTML of Markdown `text`; HTML in it is HTML.

    `block(language, code)` returns the HTML of a block of code, or None for that of the parser.
    """
    return pyromark.html(text, options=_OPTIONS, highlight=block)
