"""Markdown to the body of a typst program.

What comes out is calls of functions and string literals, in code mode: typst reads no text of a document as
markup, so none can become a command, whatever it says.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count
from typing import Any
from urllib.parse import urlsplit

from exports_app.pictures.attached import NO_FILES, Attached, Attachments
from exports_app.typesetting import directions, files_shown, pieces
from exports_app.typesetting.literals import string
from sessions_app import charts
from sessions_app.markdown import Part

_SCHEMES = {"http", "https", "mailto"}
_ADDRESS_MAX_CHARACTERS = 2000
_DEPTH_AT_MOST = 28
_WITHOUT_SPACE = re.compile(r"\S{60}")
"""In code it may be wider than a page."""
_ALIGNMENTS = {"Left": "left", "Right": "right", "Center": "center"}


def body(text: str) -> Iterator[str]:
    """Yield the lines of the program that shows Markdown `text`."""
    return chain.from_iterable(blocks(text))


def blocks(text: str, files: Attachments = NO_FILES) -> Iterator[list[str]]:
    """Yield the lines of one block (paragraph, list, table…) after the other; a long one comes as several.

    The `files` that it links to are shown.
    """
    places = count()
    for parts in pieces.parse(text):
        for block in _blocks(parts):
            yield list(_lines(files_shown.in_place(block, files, places)))


def _blocks(parts: Iterable[Part]) -> Iterator[list[Part]]:
    block: list[Part] = []
    for part in parts:
        block.append(part)
        if part.depth == 0 and part.kind != "Start":
            yield block
            block = []


def _lines(block: Sequence[Part]) -> Iterator[str]:
    """Yield the lines of a block; of one that is nested more deeply than typst reads, its words alone."""
    if max(part.depth for part in block) > _DEPTH_AT_MOST:
        for part in block:
            yield (
                _SIGNS[part.kind](part) if part.kind in _SIGNS else '" "' if part.is_in_line else "parbreak()"
            )
    else:
        for part, turn in zip(block, directions.turns(block), strict=True):
            yield _SIGNS[part.kind](part) if part.kind in _SIGNS else _TAGS[part.kind](part, turn)


def _opening(part: Part, turn: str) -> str:
    call = _OPENINGS[part.name](part.detail) if part.name in _OPENINGS else "plainly({ []"
    before = (
        f"table.cell(align: {_ALIGNMENTS.get(part.detail, 'start')}, " if part.name == "TableCell" else ""
    )
    turned = f"{turn}-item" if part.name == "Item" else turn
    return f"{before}{turned}({call}" if turn else before + call


def _closing(part: Part, turn: str) -> str:
    closing = _CLOSINGS.get(part.name, "})")
    return f"{closing}){_BEHIND.get(part.name, '')}" if turn else closing + _BEHIND.get(part.name, "")


def _list(start: int | None) -> str:
    # Larger ones than typst counts to are valid Markdown.
    return "list(" if start is None else f"enum(start: {min(start, 999_999_999)},"


def _code(part: Part) -> str:
    """A valid chart is the picture, anything else code."""
    told = (part.detail or "").split()
    chart = charts.parse(part.words) if told == ["chart"] else None
    if chart is not None:
        return f"picture({string(charts.svg(chart))}, {string(chart.title)})"
    code = string(part.words.rstrip(chr(10)))
    if not told:
        return f"raw({code}, block: true)"
    shown = f"raw({code}, block: true, lang: {string(told[0][:40])})"
    return f"loosely({shown})" if _WITHOUT_SPACE.search(part.words) else shown


def _link(to: str | Attached) -> str:
    """Only addresses that lead out of the document and can be opened are links; files are shown."""
    if isinstance(to, Attached):
        return files_shown.opening(to)
    return f"link({string(to)}, {{ []" if _can_be_opened(to) else "plainly({ []"


def _can_be_opened(address: str) -> bool:
    try:
        return urlsplit(address).scheme in _SCHEMES and len(address) <= _ADDRESS_MAX_CHARACTERS
    except ValueError:
        return False


def _always(line: str) -> Callable[[Any], str]:
    return lambda _: line


_SIGNS: dict[str, Callable[[Part], str]] = {
    "Text": lambda part: string(part.words),
    "Code": lambda part: f"raw({string(part.words)})",
    "CodeBlock": _code,
    "SoftBreak": _always('" "'),
    "HardBreak": _always("linebreak()"),
    "Rule": _always("rule()"),
    "TaskListMarker": lambda part: f"task({str(bool(part.detail)).lower()})",
}
_TAGS = {"Start": _opening, "End": _closing}
_OPENINGS: dict[str, Callable[[Any], str]] = {
    "Paragraph": _always("par({ []"),
    "Heading": lambda level: f"heading(level: {level}, {{ []",
    "BlockQuote": _always("quote(block: true, { []"),
    "List": _list,
    "Item": _always("{ []"),
    "Table": lambda alignments: f"grid_of_cells({len(alignments)},",
    "TableHead": _always("table.header("),
    "TableRow": _always(""),
    "TableCell": _always("{ []"),
    "Strong": _always("strong({ []"),
    "Emphasis": _always("emph({ []"),
    "Strikethrough": _always("strike({ []"),
    "Link": _link,
}
_CLOSINGS = {"List": ")", "Item": "}", "Table": ")", "TableHead": ")", "TableRow": "", "TableCell": "}"}
_BEHIND = {"Item": ",", "TableHead": ",", "TableCell": "),"}
