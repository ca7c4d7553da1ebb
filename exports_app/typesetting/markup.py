"""Markdown to the body of a typst program.

What comes out is calls of functions and string literals, in code mode: typst reads no text of a document as
markup, so none can become a command, whatever it says.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, count, takewhile
from urllib.parse import urlsplit

from markdown_it.token import Token

from exports_app.pictures.attached import NO_FILES, Attachments
from exports_app.typesetting import directions, files_shown, pieces
from exports_app.typesetting.literals import string
from sessions_app import charts

_SCHEMES = {"http", "https", "mailto"}
_ADDRESS_MAX_CHARACTERS = 2000
_DEPTH_AT_MOST = 30
_CHECKED, _UNCHECKED = "\N{BALLOT BOX WITH CHECK} ", "\N{BALLOT BOX} "
_ALIGNMENTS = {"text-align:left": "left", "text-align:right": "right", "text-align:center": "center"}


def body(text: str) -> Iterator[str]:
    """Yield the lines of the program that shows Markdown `text`."""
    return chain.from_iterable(blocks(text))


def blocks(text: str, files: Attachments = NO_FILES) -> Iterator[list[str]]:
    """Yield the lines of one block (paragraph, list, table…) after the other; a long one comes as several.

    The `files` that it links to are shown.
    """
    places = count()
    for tokens in pieces.parse(text):
        directions.mark(tokens)
        files_shown.mark(tokens, files, places)
        lines: list[str] = []
        for place, token in enumerate(tokens):
            lines += _lines(tokens, place)
            if token.level == 0 and token.nesting <= 0:
                yield lines
                lines = []


def _lines(tokens: Sequence[Token], place: int) -> Iterable[str]:
    token = tokens[place]
    if token.type == "inline":
        return _words(token)
    if token.type == "table_open":
        return [_turned(f"grid_of_cells({_columns(tokens, place)},")(token)]
    return [_BLOCKS[token.type](token)]


def _words(token: Token) -> Iterator[str]:
    """Yield what stands in a block; as it was written, if it is nested more deeply than typst reads."""
    children = token.children or []
    if max(accumulate(child.nesting for child in children), default=0) > _DEPTH_AT_MOST:
        yield string(token.content)
    else:
        yield from map(_inline, children)


def _inline(token: Token) -> str:
    return _INLINES[token.type](token) if token.type in _INLINES else string(token.content)


def _columns(tokens: Sequence[Token], place: int) -> int:
    """Return how many columns the table has that begins at a place."""
    from_there = (tokens[index] for index in range(place, len(tokens)))
    return sum(token.type == "th_open" for token in takewhile(_in_head, from_there))


def _in_head(token: Token) -> bool:
    return token.type != "thead_close"


def _turned(line: str, *, ends: bool = False) -> Callable[[Token], str]:
    """Return what writes a line, inside of its direction where that is not the one around it."""

    def write(token: Token) -> str:
        turn = token.meta.get(directions.TURN, "")
        return f"{line})" if ends and turn else f"{turn}({line}" if turn else line

    return write


def _heading(token: Token) -> str:
    return _turned(f"heading(level: {int(token.tag[1])}, {{ []")(token)


def _paragraph(token: Token) -> str:
    """A paragraph of a tight list has no space around it."""
    return _turned("{ []" if token.hidden else "par({ []")(token)


def _paragraph_end(token: Token) -> str:
    return _turned("}" if token.hidden else "})", ends=True)(token)


def _numbers(token: Token) -> str:
    # Larger ones than typst counts to are valid Markdown.
    return _turned(f"enum(start: {min(int(token.attrGet('start') or 1), 999_999_999)},")(token)


def _code(token: Token) -> str:
    """A valid chart is the picture, anything else code."""
    chart = charts.parse(token.content) if token.info.strip() == "chart" else None
    if chart is not None:
        return f"picture({string(charts.svg(chart))}, {string(chart.title)})"
    words = token.info.split()
    language = string(words[0][:40]) if words else "none"
    return f"raw({string(token.content.rstrip(chr(10)))}, block: true, lang: {language})"


def _cell(token: Token) -> str:
    alignment = _ALIGNMENTS.get(str(token.attrGet("style")), "start")
    return f"table.cell(align: {alignment}, {_turned('{ []')(token)}"


def _cell_end(token: Token) -> str:
    return f"{_turned('}', ends=True)(token)}),"


def _link(token: Token) -> str:
    """Only addresses that lead out of the document and can be opened are links; files are shown."""
    if files_shown.OPENING in token.meta:
        return str(token.meta[files_shown.OPENING])
    address = str(token.attrGet("href") or "")
    return f"link({string(address)}, {{ []" if _can_be_opened(address) else "plainly({ []"


def _can_be_opened(address: str) -> bool:
    try:
        return urlsplit(address).scheme in _SCHEMES and len(address) <= _ADDRESS_MAX_CHARACTERS
    except ValueError:
        return False


def _box(token: Token) -> str:
    """The only HTML that the parser itself makes is the box of a task; any other is shown as it stands."""
    if "task-list-item-checkbox" not in token.content:
        return string(token.content)
    return string(_CHECKED if 'checked="checked"' in token.content else _UNCHECKED)


def _always(line: str) -> Callable[[Token], str]:
    return lambda _token: line


_BLOCKS: dict[str, Callable[[Token], str]] = {
    "heading_open": _heading,
    "heading_close": _turned("})", ends=True),
    "paragraph_open": _paragraph,
    "paragraph_close": _paragraph_end,
    "bullet_list_open": _turned("list("),
    "bullet_list_close": _turned(")", ends=True),
    "ordered_list_open": _numbers,
    "ordered_list_close": _turned(")", ends=True),
    "list_item_open": _always("{ []"),
    "list_item_close": _always("},"),
    "blockquote_open": _turned("quote(block: true, { []"),
    "blockquote_close": _turned("})", ends=True),
    "fence": _code,
    "code_block": _code,
    "hr": _always("rule()"),
    "table_close": _turned(")", ends=True),
    "thead_open": _always("table.header("),
    "thead_close": _always("),"),
    "tbody_open": _always(""),
    "tbody_close": _always(""),
    "tr_open": _always(""),
    "tr_close": _always(""),
    "th_open": _cell,
    "th_close": _cell_end,
    "td_open": _cell,
    "td_close": _cell_end,
}
_INLINES: dict[str, Callable[[Token], str]] = {
    "softbreak": _always('" "'),
    "hardbreak": _always("linebreak()"),
    "code_inline": lambda token: f"raw({string(token.content)})",
    "strong_open": _always("strong({ []"),
    "strong_close": _always("})"),
    "em_open": _always("emph({ []"),
    "em_close": _always("})"),
    "s_open": _always("strike({ []"),
    "s_close": _always("})"),
    "link_open": _link,
    "link_close": _always("})"),
    "html_inline": _box,
}
