"""Markdown of people, models and tools to HTML that is safe to put into a page."""

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

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
    "ul": {"class"},
}
_HIGHLIGHT_MAX_CHARACTERS = 20_000


def render(text: str, *, relative_links: bool = True) -> str:
    """Return sanitised HTML for Markdown `text`; raw HTML in it stays visible as text.

    Without `relative_links`, links to other pages of this server are not.
    """
    return nh3.clean(
        _parser.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative="passthrough" if relative_links else "deny",
        link_rel="noopener noreferrer nofollow",
    )


def parse(text: str) -> list[Token]:
    """Return the parts of Markdown `text` as the parser has them, for other forms than HTML."""
    return _parser.parse(text)


def _highlight(code: str, language: str, _attributes: str) -> str:
    """Return highlighted HTML, or an empty string: then markdown-it escapes the code itself."""
    if not language or len(code) > _HIGHLIGHT_MAX_CHARACTERS:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


_parser = MarkdownIt(
    "commonmark", {"html": False, "linkify": True, "highlight": _highlight, "typographer": False}
)
_parser.enable(["table", "strikethrough", "linkify"])
_parser.disable(["image"])
_parser.use(tasklists_plugin)
