"""Markdown that shows in a longer document what it shows alone, and changes nothing else there."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from sessions_app.markdown import addresses, raw_html
from sessions_app.markdown.changes import Change, Unsettled, settled
from sessions_app.markdown.meant import of_tag
from sessions_app.markdown.reading import Event, events

_MAYBE = re.compile(r"[<\[~]")
_CONTAINERS = {"BlockQuote", "List", "Item"}
# A link that begins with what looks like a note gets its address.
_NO_WORDS = {"", "CodeBlock", "Opening"}
_BY_NAME = {"Reference", "Collapsed", "Shortcut"}
_NAME = re.compile(rb"\[(?:[^\[\]\\]|\\.)*\]\Z", re.DOTALL)
_NAME_BYTES = 4_100
# What stands before the bracket on its line begins quotes and items of lists.
_FIRST = re.compile(rb"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t>]*)*(\[)", re.MULTILINE)
# No markup to this parser, but to many others, which take it for one also where a paragraph goes on.
_NOTE = re.compile(rb"\[\^[^\]\s]{1,500}\]:")


def apart(text: str) -> str:
    """Return Markdown without HTML, pictures, links that run something and names that are others' as well.

    Links by name have their addresses in them; what defines names is words. A text that comes to no end of
    changes is code.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return settled(text, _changes) if _MAYBE.search(text) else text
    except Unsettled:
        return fenced(text)


def fenced(text: str, language: str = "") -> str:
    """Return text as a block of code that nothing in it can end."""
    fence = max(re.findall("`+", text), key=len, default="``") + "`"
    fence = fence if len(fence) > 2 else "```"
    return f"{fence}{language}\n{text}\n{fence}"


def _changes(text: str) -> Iterable[Change]:
    """Return what changes next; definitions come last, as until then links need them."""
    if html := list(raw_html.changes(text)):
        return html
    data, found = text.encode(), list(events(text))
    brackets = list(_brackets(data, found))
    return list(_others(data, found, brackets)) or [_escaped(place) for place, cover in brackets if not cover]


def _brackets(data: bytes, found: Iterable[Event]) -> Iterator[tuple[int, str]]:
    """Yield the brackets that come first on their lines, each with what covers it: nothing a definition."""
    covers = list(_covers(found))
    starts, ends = [cover[0] for cover in covers], list(accumulate((cover[1] for cover in covers), max))
    for line in _FIRST.finditer(data):
        place = line.start(1)
        last = bisect_right(starts, place) - 1
        if last < 0 or ends[last] <= place:
            yield place, ""
        else:
            start, end, name = covers[last]
            yield place, "Opening" if start == place and name != "Text" else name if place < end else "Other"


def _covers(found: Iterable[Event]) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of what is no container, and not within code."""
    code_end = 0
    for kind, value, start, end in found:
        name = value[0] if kind == "Start" else kind
        if kind != "End" and name not in _CONTAINERS and start >= code_end:
            yield start, end, name
            code_end = end if name == "CodeBlock" else code_end


def _others(data: bytes, found: Iterable[Event], brackets: Iterable[tuple[int, str]]) -> Iterator[Change]:
    for kind, value, start, end in found:
        if kind == "Start":
            yield from _of_tag(data, value[0], value[1], start, end)
    for place, cover in brackets:
        if cover not in _NO_WORDS and _NOTE.match(data, place):
            yield _no_note(data, place, cover)


def _no_note(data: bytes, place: int, cover: str) -> Change:
    """Return what makes words of a note: a mark; in code and in titles of links, the line before goes on."""
    before = data.rfind(b"\n", 0, place)
    return _escaped(place) if cover == "Text" or before < 0 else Change(before, place, b" ")


def _of_tag(data: bytes, name: str, detail: Any, start: int, end: int) -> Iterator[Change]:
    """A picture that is a file of the chat is left: it loads nothing from elsewhere."""
    if name == "Image" and addresses.is_file(detail["dest_url"]):
        return
    others = list(of_tag(data, name, detail, start, end))
    yield from others
    if name == "Link" and not others and detail["link_type"] in _BY_NAME:
        yield _with_address(data, detail, start, end)


def _with_address(data: bytes, detail: Any, start: int, end: int) -> Change:
    address = addresses.encoded(detail["dest_url"]).replace("(", "%28").replace(")", "%29")
    is_named = detail["link_type"] == "Reference"
    label = _NAME.search(data, max(start, end - _NAME_BYTES), end) if is_named else None
    is_empty = detail["link_type"] == "Collapsed" and data[end : end + 2] == b"[]"
    return Change(label.start() if label else end, end + 2 * is_empty, f"({address})".encode())


def _escaped(place: int) -> Change:
    return Change(place, place, b"\\")
