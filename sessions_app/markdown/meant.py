"""Markdown as it is meant here, where the parser would read it in another way."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from sessions_app.markdown import addresses, raw_html
from sessions_app.markdown.changes import Change, Unsettled, settled
from sessions_app.markdown.reading import events

# Browsers have a limit as well.
_MAX_DEPTH = 100
_CLOSED = {"Link", "Image", "CodeBlock"}


def as_meant(text: str) -> tuple[str, addresses.Links]:
    """Return Markdown in which HTML is text and pictures are links, and what its addresses are.

    Raises `Unsettled`, also if it is nested too deeply.
    """
    text = text.encode(errors="replace").decode()  # halves of surrogate pairs are no text
    links = addresses.Links(text)
    return settled(raw_html.shown(text), partial(_changes, links)), links


def _changes(links: addresses.Links, text: str) -> Iterator[Change]:
    # It may have stood in the address of a link that is refused.
    html = list(raw_html.changes(text))
    yield from html or _others(links, text)


def _others(links: addresses.Links, text: str) -> Iterator[Change]:
    data = text.encode()
    opened: list[str] = []
    furthest = len(data)
    for kind, value, start, end in events(text):
        if kind == "Text" and _CLOSED.isdisjoint(opened):
            yield from links.changes(data, start, end, furthest)
        elif kind == "Start":
            name, detail = value
            opened.append(name)
            furthest = end if name == "TableCell" else furthest
            yield from of_tag(data, name, detail, start, end)
        elif kind == "End":
            furthest = len(data) if opened.pop() == "TableCell" else furthest
        if len(opened) > _MAX_DEPTH:
            raise Unsettled


def of_tag(data: bytes, name: str, detail: Any, start: int, end: int) -> Iterator[Change]:
    """Yield what changes where something begins.

    A picture becomes a link behind a mark, as to load it tells its server who reads. A link that is refused
    is shown as it was written. Single tildes mean "about" and strike nothing out.
    """
    if name == "Image" or (name == "Link" and addresses.is_refused(detail["dest_url"])):
        yield Change(start, start, b"\\")
    elif name == "Strikethrough" and data[start : start + 2] != b"~~":
        yield Change(start, start, b"\\")
        yield Change(end - 1, end - 1, b"\\")
