"""Markdown as it is meant here, where the parser would read it in another way."""

from collections.abc import Callable, Iterator
from typing import Any

from sessions_app.markdown import addresses, raw_html
from sessions_app.markdown.changes import Change, settled
from sessions_app.markdown.reading import events

# Browsers have a limit as well.
_MAX_DEPTH = 100
_NO_WORDS = {"Link", "Image", "CodeBlock"}


def plain(text: str) -> str | None:
    """Return Markdown in which HTML is text, addresses are links, and pictures are links with a mark.

    None if it is nested so deeply, or changes so often, that it is no text to be read.
    """
    return settled(text, _changes)


def _changes(text: str) -> Iterator[Change]:
    data = text.encode()
    opened: list[str] = []
    for event, start, end in events(text):
        if "Text" in event:
            if _NO_WORDS.isdisjoint(opened):
                yield from addresses.changes(data, start, end)
        elif "Start" in event:
            tag = event["Start"]
            name = tag if isinstance(tag, str) else next(iter(tag))
            opened.append(name)
            ...
