"""HTML in Markdown becomes text that shows it."""

import re
from collections.abc import Iterator

from sessions_app.markdown.changes import Change, Unsettled, settled
from sessions_app.markdown.reading import events

_MAYBE = re.compile("<[A-Za-z/!?]")
_BEGINS_CODE = re.compile(rb"^ {0,3}(?:```|~~~)", re.MULTILINE)
_BEGINS_HTML = re.compile(rb"^ {0,3}(<)(?!https?:|mailto:)", re.MULTILINE)


def shown(text: str) -> str:
    """Return Markdown in which no HTML is HTML: a backslash stands before its `<`."""
    try:
        return settled(text, changes)
    except Unsettled:
        return text.replace("<", "&lt;")


def changes(text: str) -> Iterator[Change]:
    """Yield what changes, up to where a block of code may begin that the parser has not seen yet."""
    data = text.encode()
    for kind, value, start, end in events(text) if _MAYBE.search(text) else ():
        if kind == "InlineHtml":
            yield _change(start)
        elif kind == "Start" and value[0] == "HtmlBlock":
            code = _BEGINS_CODE.search(data, start, end)
            yield _change(data.index(b"<", start))
            lines = _BEGINS_HTML.finditer(data, start, code.start() if code else end)
            yield from (_change(line.start(1)) for line in lines)
            if code:
                return


def _change(place: int) -> Change:
    return Change(place, place, b"\\")
