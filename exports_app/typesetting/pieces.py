"""Long Markdown in pieces: a few blocks at a time, and what is longer than a piece is cut.

A table goes on as another with the same head, code as another block of code, a list with its next item, a
paragraph with its next words. All text is in the pieces; only markup that spans a cut in a paragraph is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from markdown_it.token import Token

from sessions_app import markdown

PIECE_CHARACTERS = 16_000
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,999}\]:[ \t]*\S.{0,2000}$", re.MULTILINE)
_DEFINITIONS_AT_MOST = 2000
_LISTS = ("bullet_list_open", "ordered_list_open")


@dataclass(frozen=True)
class _Cut:
    """Where a piece ends, in lines, and how the next one goes on."""

    tokens: list[Token]
    lines: int
    prefix: str = ""
    number: int | None = None


def parse(text: str) -> Iterator[list[Token]]:
    """Yield the tokens of Markdown in pieces that end between blocks; of a short text all at once."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    environment = _definitions(text) if len(text) > PIECE_CHARACTERS else {}
    position, prefix, number = 0, "", None
    while True:
        end = _end(text, position)
        source = prefix + text[position:end]
        tokens = markdown.parse(source, environment)
        if number is not None and tokens and tokens[0].type == "ordered_list_open":
            tokens[0].attrSet("start", number)
        if end == len(text):
            yield tokens
            return
        cut = _cut(tokens, source)
        yield cut.tokens
        position += _offset(source, cut.lines) - len(prefix)
        prefix, number = cut.prefix, cut.number


def _definitions(text: str) -> dict[str, Any]:
    """Return what the definitions of links in all of a text say: they may stand behind their use."""
    environment: dict[str, Any] = {}
    found = islice(_DEFINITION.finditer(text), _DEFINITIONS_AT_MOST)
    markdown.parse("\n\n".join(match[0] for match in found), environment)
    return environment


def _end(text: str, position: int) -> int:
    """Return where the piece that begins at a position ends: behind a line, else a word, else anywhere."""
    end = position + PIECE_CHARACTERS
    if end >= len(text):
        return len(text)
    middle = position + PIECE_CHARACTERS // 2
    behind = max(text.rfind("\n", middle, end), 0) or max(text.rfind(" ", middle, end), 0)
    return behind + 1 if behind else end


def _cut(tokens: list[Token], source: str) -> _Cut:
    """Return what of a piece is certain: all but its last block, or a part of its only one."""
    places = [place for place, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    lines = source.count("\n") + 1
    if not places:
        return _Cut(tokens, lines)
    last = tokens[places[-1]]
    if begin := _line(last):
        return _Cut(tokens[: places[-1]], begin)
    if last.type in _LISTS:
        return _cut_list(tokens, lines)
    if last.type == "table_open":
        return _Cut(tokens, lines, prefix=source[: _offset(source, 2)])
    if last.type == "fence" and not _is_closed(last, source):
        return _Cut(tokens, lines, prefix=source[: _offset(source, 1)])
    return _Cut(tokens, lines)


def _cut_list(tokens: list[Token], lines: int) -> _Cut:
    """Leave the last item for the next piece, if it is not the only one."""
    opens = (place for place, token in enumerate(tokens) if token.type == "list_item_open")
    items = [place for place in opens if tokens[place].level == 1]
    if len(items) == 1:
        return _Cut(tokens, lines)
    start = int(tokens[0].attrGet("start") or 1)
    return _Cut([*tokens[: items[-1]], tokens[-1]], _line(tokens[items[-1]]), number=start + len(items) - 1)


def _is_closed(fence: Token, source: str) -> bool:
    last = source.rstrip().rpartition("\n")[2].strip()
    return last.startswith(fence.markup) and not last.strip(fence.markup[0])


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _offset(source: str, lines: int) -> int:
    """Return where the line begins that follows so many; the end if there is none."""
    position = 0
    for _ in range(lines):
        position = source.find("\n", position) + 1
        if not position:
            return len(source)
    return position
