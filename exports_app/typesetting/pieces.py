"""Long Markdown in pieces: a few blocks at a time, and what is longer than a piece is cut.

A table goes on as another with the same head, code as another block of code, a list with its next item, a
paragraph with its next words. All text is in the pieces; only markup that spans a cut in a paragraph is lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sessions_app import markdown
from sessions_app.markdown import Part

PIECE_CHARACTERS = 16_000
_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n]{1,999})\]:[ \t]*\S.{0,2000}$", re.MULTILINE)
_DEFINITIONS_AT_MOST = 2000
_DEFINITION_CHARACTERS_A_PIECE = 64_000
_LABEL = re.compile(r"\[([^\[\]]{1,999})\]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class _Cut:
    """Where a piece ends, in lines, and how the next one goes on."""

    parts: list[Part]
    lines: int
    prefix: str = ""
    number: int | None = None


def parse(text: str) -> Iterator[list[Part]]:
    """Yield the parts of Markdown in pieces that end between blocks; of a short text all at once."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    definitions = _definitions(text) if len(text) > PIECE_CHARACTERS else {}
    position, prefix, number = 0, "", None
    while True:
        end = _end(text, position)
        source = prefix + text[position:end]
        parts = _parts(source, definitions)
        if number is not None and parts and parts[0].name == "List" and parts[0].detail is not None:
            parts[0] = parts[0]._replace(detail=number)
        if end == len(text):
            yield parts
            return
        cut = _cut(parts, source)
        yield cut.parts
        position += _offset(source, cut.lines) - len(prefix)
        prefix, number = cut.prefix, cut.number


def _parts(source: str, definitions: dict[str, str]) -> list[Part]:
    """Return the parts of a piece, which knows the definitions of the whole text that it may name."""
    return list(markdown.parts(source, definitions=_named(source, definitions) if definitions else ()))


def _named(source: str, definitions: dict[str, str]) -> Iterator[str]:
    room = _DEFINITION_CHARACTERS_A_PIECE
    for label in dict.fromkeys(_label(found[1]) for found in _LABEL.finditer(source)):
        room -= len(definitions.get(label, ""))
        if label in definitions and room >= 0:
            yield definitions[label]


def _definitions(text: str) -> dict[str, str]:
    """Return the definitions of links in all of a text by their labels: they may stand behind their use."""
    found = islice(_DEFINITION.finditer(text), _DEFINITIONS_AT_MOST)
    return {_label(match[1]): match[0] for match in reversed(list(found)) if _is_definition(match[0])}


def _is_definition(line: str) -> bool:
    return not any(markdown.events(line))


def _label(written: str) -> str:
    """Return what labels have in common that name the same."""
    return " ".join(written.split()).casefold()


def _end(text: str, position: int) -> int:
    """Return where the piece that begins at a position ends: behind a line, else a word, else anywhere."""
    end = position + PIECE_CHARACTERS
    if end >= len(text):
        return len(text)
    middle = position + PIECE_CHARACTERS // 2
    behind = max(text.rfind("\n", middle, end), 0) or max(text.rfind(" ", middle, end), 0)
    return behind + 1 if behind else end


def _cut(parts: list[Part], source: str) -> _Cut:
    """Return what of a piece is certain: all but its last block, or a part of its only one."""
    places = [place for place, part in enumerate(parts) if part.depth == 0 and part.kind != "End"]
    lines = source.count("\n") + 1
    if not places:
        return _Cut(parts, lines)
    last = parts[places[-1]]
    if last.line:
        return _Cut(parts[: places[-1]], last.line)
    if last.name == "List":
        return _cut_list(parts, lines)
    if last.name == "Table":
        return _Cut(parts, lines, prefix=source[: _offset(source, 2)])
    if last.kind == "CodeBlock" and not _is_closed(source):
        return _Cut(parts, lines, prefix=source[: _offset(source, 1)])
    return _Cut(parts, lines)


def _cut_list(parts: list[Part], lines: int) -> _Cut:
    """Leave the last item for the next piece, if it is not the only one."""
    items = [place for place, part in enumerate(parts) if part[:2] == ("Start", "Item") and part.depth == 1]
    if len(items) == 1:
        return _Cut(parts, lines)
    start = 1 if parts[0].detail is None else parts[0].detail
    return _Cut([*parts[: items[-1]], parts[-1]], parts[items[-1]].line, number=start + len(items) - 1)


def _is_closed(source: str) -> bool:
    """Whether a block of code has an end: one without a fence has it anywhere."""
    fence = _FENCE.match(source)
    last = source.rstrip().rpartition("\n")[2].strip()
    return not fence or (last.startswith(fence[1]) and not last.strip(fence[1][0]))


def _offset(source: str, lines: int) -> int:
    """Return where the line begins that follows so many; the end if there is none."""
    position = 0
    for _ in range(lines):
        position = source.find("\n", position) + 1
        if not position:
            return len(source)
    return position
