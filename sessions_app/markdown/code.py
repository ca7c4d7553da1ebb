"""Blocks of code as HTML: highlighted, or drawn if they are charts."""

from collections.abc import Callable
from functools import lru_cache
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import find_lexer_class_by_name
from pygments.util import ClassNotFound

from sessions_app import charts

_HIGHLIGHT_MAX_CHARACTERS = 20_000
# A short line of a chart is a long one of the page.
_MAX_CHARTS = 20
# Looking one up and making a formatter take longer than a short piece of code.
_lexer_class = lru_cache(maxsize=200)(find_lexer_class_by_name)
_formatter = HtmlFormatter(nowrap=True)


def blocks() -> Callable[[str | None, str], str | None]:
    """Return what makes the HTML of a message's blocks, of which a bounded number are charts.

    It returns None for code in no known language.
    """
    drawn = 0

    def block(language: str | None, code: str) -> str | None:
        nonlocal drawn
        chart = charts.parse(code) if language == "chart" and drawn < _MAX_CHARTS else None
        drawn += chart is not None
        return charts.svg(chart) if chart else _highlighted(language or "", code)

    return block


def _highlighted(language: str, code: str) -> str | None:
    if not language or len(code) > _HIGHLIGHT_MAX_CHARACTERS:
        return None
    try:
        lexer = _lexer_class(language)()
    except ClassNotFound:
        return None
    shown = highlight(code, lexer, _formatter)
    return f'<pre><code class="language-{escape(language)}">{shown}</code></pre>\n'
