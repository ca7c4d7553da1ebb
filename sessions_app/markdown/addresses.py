"""Addresses: those that stand in text as they are, and where links may lead."""

import re
from collections.abc import Iterator

from linkify_it import LinkifyIt

from sessions_app.markdown.changes import Change
from sessions_app.markdown.tokens import parser

# What every address has that the library finds: its own test takes ten times as long.
_MAYBE = re.compile(rb"//|@|\.[A-Za-z\x80-\xff]")
_EXPLICIT = re.compile(rb"(?<![a-z0-9.+\\-])(?:https?|ftp)://[^\s<>]{1,4000}", re.IGNORECASE)
_LEADS_OUT = re.compile("(?:https?|mailto):", re.IGNORECASE)
_FILE = re.compile("/files/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_finder = LinkifyIt()


def leads_out(address: str) -> bool:
    """Whether an address leads out of this server, to a page or a mailbox."""
    return _LEADS_OUT.match(address) is not None


def is_file(address: str) -> bool:
    """Whether an address is that of a file of a chat."""
    return _FILE.fullmatch(address) is not None


def is_refused(address: str) -> bool:
    """Whether an address may run something, or shows what is on the reader's machine."""
    return not parser.validateLink(address)


def changes(data: bytes, start: int, end: int) -> Iterator[Change]:
    """Yield the addresses in plain words of a text as links.

    One that says what it is may go on behind the words: `*`, `_` and `~` in it are no markup.
    """
    if not _MAYBE.search(data, start, end):
        return
    done = at = start
    while place := _EXPLICIT.search(data, at, end):
        at = place.end()
        if found := _address(data, place.start()):
            yield from _guessed(data, done, place.start())
            done = at = place.start() + len(found.encode())
            yield Change(place.start(), done, _link(found, found))
    yield from _guessed(data, done, end)


def _address(data: bytes, start: int) -> str:
    """Return the address that says what it is and stands at a place; empty if it is none."""
    place = _EXPLICIT.match(data, start)
    found = _finder.match_at_start(place[0].decode(errors="ignore")) if place else None
    return str(found.raw).rstrip("*_~") if found else ""


def _guessed(data: bytes, start: int, end: int) -> Iterator[Change]:
    """Yield addresses that do not say what they are, such as `example.org`."""
    if not _MAYBE.search(data, start, end):
        return
    words, seen, last = data[start:end].decode(), 0, start
    for found in _finder.match(words) or ():
        first = last + len(words[seen : found.index].encode())
        seen, last = found.last_index, first + len(found.raw.encode())
        if data[first - 1 : first] != b"\\" and leads_out(found.url):
            yield Change(first, last, _link(found.raw, found.url))


def _link(words: str, address: str) -> bytes:
    target = parser.normalizeLink(address).replace("&", "&amp;")
    return f"[{_PUNCTUATION.sub(_escaped, parser.normalizeLinkText(words))}](<{target}>)".encode()


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"
