"""Addresses: those that stand in text as they are, and where links may lead."""

import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from linkify_it import LinkifyIt

from sessions_app.markdown.changes import Change

# What every address has that the library finds: its own test takes ten times as long.
_MAYBE = re.compile(rb"//|@|\.[A-Za-z\x80-\xff]")
_EXPLICIT = re.compile(rb"(?<![a-z0-9.+\\-])(?:https?|ftp)://[^\s<>\\]{1,4000}", re.IGNORECASE)
_LEADS_OUT = re.compile("(?:https?|mailto):", re.IGNORECASE)
_REFUSED = re.compile(r"\s*(?:javascript|vbscript|file|data):", re.IGNORECASE)
FILE = re.compile("/files/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")
"""The address of a file of a chat, with its id."""
# Of the characters that Unicode leaves to private use; to the parser they are letters.
_MARK, _END_OF_MARK = "\ue000", "\ue001"
_MARKED = re.compile(f"{_MARK}(\\d+){_END_OF_MARK}")
_finder = LinkifyIt()


def leads_out(address: str) -> bool:
    """Whether an address leads out of this server, to a page or a mailbox."""
    return _LEADS_OUT.match(address) is not None


def is_file(address: str) -> bool:
    """Whether an address is that of a file of a chat."""
    return FILE.fullmatch(address) is not None


def is_refused(address: str) -> bool:
    """Whether an address may run something, or shows what is on the reader's machine."""
    return _REFUSED.match(address) is not None


def encoded(address: str) -> str:
    """Return an address without what may not stand in one, such as space and letters that are not ASCII."""
    return quote(address, safe="%;/?:@&=+$,-_.!~*'()#[]")


class Links:
    """The addresses in the plain words of a message, each with a mark in its place until it is read.

    As Markdown, a link has punctuation at both ends, beside which `**` may not begin or end anything.
    """

    def __init__(self, text: str) -> None:
        self._found: dict[str, tuple[str, str]] = {}
        self._has_room = _MARK not in text

    def changes(self, data: bytes, start: int, end: int, furthest: int) -> Iterator[Change]:
        """Yield marks for what is an address in a part of the text that is plain words.

        One that says what it is may go on behind the words, up to `furthest`: `*`, `_` and `~` in it are no
        markup.
        """
        if not self._has_room or not _MAYBE.search(data, start, end):
            return
        done = at = start
        while place := _EXPLICIT.search(data, at, end):
            at = place.end()
            if found := _address(data, place.start(), furthest):
                yield from self._guessed(data, done, place.start())
                done = at = place.start() + len(found.encode())
                yield Change(place.start(), done, self._mark(found, found))
        yield from self._guessed(data, done, end)

    def put_into(self, html: str) -> str:
        """Return HTML with the links where their marks are."""
        return "".join(_anchor(*part) if part[1] else part[0] for part in self.split(html))

    def split(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the words of a text with the addresses that they lead to; empty for those that do not."""
        end = 0
        for mark in _MARKED.finditer(text) if self._found else ():
            # It may also be that of somebody who wrote its characters as entities.
            if mark[1] in self._found:
                yield text[end : mark.start()], ""
                yield self._found[mark[1]]
                end = mark.end()
        yield text[end:], ""

    def _guessed(self, data: bytes, start: int, end: int) -> Iterator[Change]:
        """Yield marks for addresses that do not say what they are, such as `example.org`."""
        if not _MAYBE.search(data, start, end):
            return
        words, seen, last = data[start:end].decode(), 0, start
        for found in _finder.match(words) or ():
            first = last + len(words[seen : found.index].encode())
            seen, last = found.last_index, first + len(found.raw.encode())
            if data[first - 1 : first] != b"\\" and leads_out(found.url):
                yield Change(first, last, self._mark(found.raw, found.url))

    def _mark(self, words: str, address: str) -> bytes:
        number = str(len(self._found))
        self._found[number] = words, encoded(address)
        return f"{_MARK}{number}{_END_OF_MARK}".encode()


def _anchor(words: str, address: str) -> str:
    return f'<a href="{escape(address)}">{escape(words, quote=False)}</a>'


def _address(data: bytes, start: int, furthest: int) -> str:
    """Return the address that says what it is and stands at a place; empty if it is none."""
    place = _EXPLICIT.match(data, start, furthest)
    found = _finder.match_at_start(place[0].decode(errors="ignore")) if place else None
    return str(found.raw).rstrip("*_~") if found and leads_out(found.url) else ""
