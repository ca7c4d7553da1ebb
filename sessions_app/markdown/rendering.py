"""Markdown to HTML that is safe to put into a page."""

import re
from html import escape
from typing import Any

import nh3

from sessions_app.markdown import addresses, code, reading
from sessions_app.markdown.changes import Unsettled
from sessions_app.markdown.meant import as_meant

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
_BOX = '<input disabled="disabled" type="checkbox"'
# None of these can stand in a text, where `<` is `&lt;`.
_TAGS_OF_OURS = {
    '<th style="text-align: right">': '<th class="right">',
    '<td style="text-align: right">': '<td class="right">',
    '<th style="text-align: center">': '<th class="center">',
    '<td style="text-align: center">': '<td class="center">',
    '<input disabled="" type="checkbox" checked=""/>': f'{_BOX} checked="checked">',
    '<input disabled="" type="checkbox"/>': f"{_BOX}>",
}
_TASKS = re.compile(r'<(ul|ol(?: start="\d+")?)(?=>\n<li>\s*(?:<p>)?<input)')
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


def render(text: str, *, relative_links: bool = True, file_links: bool = False) -> str:
    """Return sanitised HTML for Markdown `text`; raw HTML in it stays visible as text.

    Without `relative_links`, links to other pages of this server are not, but for those to files of a chat if
    there are `file_links`.
    """
    if relative_links:
        return _with_relative.clean(_html(text))
    return (_with_files if file_links else _outwards).clean(_html(text))


def _html(text: str) -> str:
    """Return HTML in the words of our style sheets; `style` would be refused."""
    try:
        meant, links = as_meant(text)
        html = links.put_into(reading.html(meant, block=code.blocks()))
    except Unsettled:
        return f"<p>{escape(text)}</p>\n"
    for parsers, ours in _TAGS_OF_OURS.items():
        html = html.replace(parsers, ours)
    return _TASKS.sub(r'<\1 class="contains-task-list"', html) if "<input" in html else html


def _outwards_or_file(tag: str, attribute: str, value: str) -> str | None:
    known = attribute != "href" or addresses.leads_out(value) or addresses.is_file(value)
    return value if known else None


def _cleaner(**options: Any) -> nh3.Cleaner:
    """Return what may be used again: to make one takes longer than to clean a message."""
    return nh3.Cleaner(
        tags=_TAGS | _CHART_ATTRIBUTES.keys(),
        attributes=_ATTRIBUTES | _CHART_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        **options,
    )


_with_relative = _cleaner(url_relative="pass_through")
_with_files = _cleaner(url_relative="pass_through", attribute_filter=_outwards_or_file)
_outwards = _cleaner(url_relative="deny")
