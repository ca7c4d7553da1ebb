"""Markdown of people, models and tools to HTML that is safe to put into a page."""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import find_lexer_class_by_name
from pygments.util import ClassNotFound

from sessions_app import charts

# No img: a remote picture would tell its server what the user reads and when.
_TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "input", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "div": {"class"},
    "input": {"type", "checked", "disabled"},
    "li": {"class"},
    "ol": {"start"},
    "pre": {"class"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
    "ul": {"class"},
}
# What a chart is drawn with. No colours, the page has its own; no viewBox, so it takes the page's width.
_CHART_ATTRIBUTES = {
    "svg": {"class", "role", "aria-label", "width", "height"},
    "title": set(),
    "desc": set(),
    "g": set(),
    "text": {"class", "x", "y"},
    "tspan": {"class", "dx"},
    "rect": {"class", "x", "y", "width", "height", "rx"},
    "line": {"class", "x1", "x2", "y1", "y2"},
    "circle": {"class", "cx", "cy", "r"},
}
_HIGHLIGHT_MAX_CHARACTERS = 20_000
# A short line of a chart is a long one of the page.
_MAX_CHARTS = 20


def render(text: str, *, relative_links: bool = True) -> str:
    """Return sanitised HTML for Markdown `text`; raw HTML in it stays visible as text.

    Without `relative_links`, links to other pages of this server are not.
    """
    return nh3.clean(
        _parser.render(text),
        tags=_TAGS | _CHART_ATTRIBUTES.keys(),
        attributes=_ATTRIBUTES | _CHART_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative="pass_through" if relative_links else "deny",
        link_rel="noopener noreferrer nofollow",
    )


def parse(text: str, environment: MutableMapping[str, Any] | None = None) -> list[Token]:
    """Return the parts of Markdown `text` as the parser has them, for other forms than HTML.

    The `environment` takes up its definitions of links and has them for all that is parsed in it.
    """
    return _parser.parse(text, environment)


def _highlight(code: str, language: str, _attributes: str) -> str:
    """Return highlighted HTML, or an empty string: then markdown-it escapes the code itself."""
    if not language or len(code) > _HIGHLIGHT_MAX_CHARACTERS:
        return ""
    try:
        lexer = _lexer_class(language)()
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, _formatter))


# Looking one up and making a formatter take longer than a short piece of code.
_lexer_class = lru_cache(maxsize=200)(find_lexer_class_by_name)
_formatter = HtmlFormatter(nowrap=True)


def _fence(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """Return a valid `chart` block as the picture, anything else as code."""
    chart = charts.parse(tokens[index].content) if tokens[index].info.strip() == "chart" else None
    if chart is None or env.get("charts", 0) >= _MAX_CHARTS:
        return renderer.fence(tokens, index, options, env)
    env["charts"] = env.get("charts", 0) + 1
    return charts.svg(chart)


def _cell(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """Return the start of a table's cell; how it is aligned is a class, as a style would be refused."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style.endswith((":right", ":center")):
        token.attrs["class"] = style.rpartition(":")[2]
    return renderer.renderToken(tokens, index, options, env)


_parser = MarkdownIt(
    "commonmark", {"html": False, "linkify": True, "highlight": _highlight, "typographer": False}
)
_parser.enable(["table", "strikethrough", "linkify"])
_parser.disable(["image"])
_parser.use(tasklists_plugin)
_parser.add_render_rule("fence", _fence)
_parser.add_render_rule("td_open", _cell)
_parser.add_render_rule("th_open", _cell)
