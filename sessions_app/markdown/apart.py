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

_MAYBE = re.compile(r"[<\[~$]")
_CONTAINERS = {"BlockQuote", "List", "Item"}
# A link that begins with what looks like a note gets its address.
_NO_WORDS = {"", "CodeBlock", "Opening"}
_BY_NAME = {"Reference", "Collapsed", "Shortcut"}
_NAME = re.compile(rb"\[(?:[^\[\]\\]|\\.)*\]\Z", re.DOTALL)
_NAME_BYTES = 4_100
# What stands before it on its line begins quotes and items of lists.
_FIRST = re.compile(rb"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t>]*)*(\[|\$\$)", re.MULTILINE)
# No markup to this parser, but to many others, which take it for one also where a paragraph goes on.
_NOTE = re.compile(rb"\[\^[^\]\s]{1,500}\]:")
# What others read as a definition, though this parser does not: they do not count brackets in an address.
_MAYBE_DEFINITION = re.compile(rb"\[(?:[^\[\]\\]|\\.){1,999}\]:\s*(?:<|\S+[ \t]*(?:[\"'(\n]|\Z))", re.DOTALL)

_END_OF_FORMULA = re.compile(rb"\$\$[ \t]*$", re.MULTILINE)
# Many take for a part of a bare address what follows it up to a space or a `<`.
_RUN = re.compile(rb"\S+")
_IN_ADDRESS = re.compile(rb"\\<|`+")
_ADDRESS = re.compile(rb"://|www\.", re.IGNORECASE)


def apart(text: str) -> str:
    """Return Markdown without HTML, pictures, links that run something and names that are others' as well.

    Links by name have their addresses in them; what defines names is words. A text that comes to no end of
    changes is code.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return settled(raw_html.shown(text), _changes) if _MAYBE.search(text) else text
    except Unsettled:
        return fenced(text)


def fenced(text: str, language: str = "") -> str:
    """Return text as a block of code that nothing in it can end."""
    fence = max(["``", *re.findall("`+", text)], key=len) + "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _changes(text: str) -> Iterable[Change]:
    """Return what changes next; definitions come last, as until then links need them."""
    if html := list(raw_html.changes(text)):
        return html
    data, found = text.encode(), list(events(text))
    covers = _Covers(found)
    firsts = [(line.start(1), covers.at(line.start(1))) for line in _FIRST.finditer(data)]
    others = [
        *_of_tags(data, found),
        *_no_names(data, firsts),
        *_no_ends(data, covers),
        *_no_formula(data, firsts),
    ]
    return others or [_escaped(place) for place, cover in firsts if not cover]


class _Covers:
    """What the parser tells of each place of a text; containers are not told."""

    def __init__(self, found: Iterable[Event]) -> None:
        self._covers = list(self._told(found))
        self._starts = [start for start, _, _ in self._covers]
        self._ends = list(accumulate((end for _, end, _ in self._covers), max))

    def at(self, place: int) -> str:
        """Return the name of what covers a place: nothing covers definitions, `Opening` begins there."""
        last = bisect_right(self._starts, place) - 1
        if last < 0 or self._ends[last] <= place:
            return ""
        start, end, name = self._covers[last]
        if start == place and name != "Text":
            return "Opening"
        return name if place < end else "Other"

    @staticmethod
    def _told(found: Iterable[Event]) -> Iterator[tuple[int, int, str]]:
        code_end = 0
        for kind, value, start, end in found:
            name = value[0] if kind == "Start" else kind
            if kind != "End" and name not in _CONTAINERS and start >= code_end:
                yield start, end, name
                code_end = end if name == "CodeBlock" else code_end


def _no_names(data: bytes, firsts: Iterable[tuple[int, str]]) -> Iterator[Change]:
    """Yield what makes words of what only others take for notes and definitions."""
    for place, cover in firsts:
        is_note = cover not in _NO_WORDS and _NOTE.match(data, place)
        if cover == "Text" and (is_note or _MAYBE_DEFINITION.match(data, place)):
            yield _escaped(place)
        elif is_note and (before := data.rfind(b"\n", 0, place)) >= 0:
            # In code, and in titles of links: the line before goes on.
            yield Change(before, place, b" ")


def _no_formula(data: bytes, firsts: Iterable[tuple[int, str]]) -> Iterator[Change]:
    """Yield what makes words of `$$` without another one: some take all that follows for a formula."""
    end = 0
    for place, cover in firsts:
        if place >= end and cover == "Text" and data.startswith(b"$$", place):
            closing = _END_OF_FORMULA.search(data, place + 2)
            if not closing:
                yield _escaped(place)
                return
            end = closing.end()


def _no_ends(data: bytes, covers: _Covers) -> Iterator[Change]:
    """Yield what keeps words and code from being HTML to those for whom a bare address ends at `<`."""
    for run in _RUN.finditer(data) if _ADDRESS.search(data) else ():
        if address := _ADDRESS.search(data, run.start(), run.end()):
            for mark in _IN_ADDRESS.finditer(data, address.end(), run.end()):
                place = mark.start()
                if mark[0] == b"\\<" and covers.at(place + 1) == "Text":
                    yield Change(place, place + 2, b"&lt;")
                elif mark[0] != b"\\<" and covers.at(place) == "Opening":
                    yield Change(place, place, b" ")


def _of_tags(data: bytes, found: Iterable[Event]) -> Iterator[Change]:
    for kind, value, start, end in found:
        if kind == "Start":
            yield from _of_tag(data, value[0], value[1], start, end)


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
