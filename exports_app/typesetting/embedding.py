"""Markdown of others inside a document of ours."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_blocks = MarkdownIt("commonmark").disable("inline")
_LOWEST = 6
_MAYBE_HEADING = re.compile(r"#|^[ \t]*(?:=+|-+)[ \t]*$", re.MULTILINE)
# In this order: escaped characters, spans of code, backticks that are none, addresses; what begins HTML.
_HTML = re.compile(
    r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|`+|<(?:https?://|mailto:)[^\s<>]*>|<[\w.+-]+@[\w.-]+>|<(?=[A-Za-z/!?])",
    re.DOTALL,
)


def closed(text: str) -> str:
    """Return text that swallows nothing after it.

    A code fence left open is closed; what is open otherwise, such as an HTML comment, is shown as code.
    """
    if _ends(text):
        return text
    fence = next((token.markup for token in reversed(_blocks.parse(text)) if token.type == "fence"), "")
    with_fence = f"{text}\n{fence}"
    if _ends(with_fence):
        return with_fence
    code = max(re.findall("`+", text), key=len, default="") + "```"
    return f"{code}\n{text}\n{code}"


def embedded(text: str, *, below: int) -> str:
    """Return text whose headings stand below those of level `below`, and that swallows nothing after it."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not _MAYBE_HEADING.search(text):
        return closed("\n".join(lines))
    headings = [token for token in _blocks.parse("\n".join(lines)) if token.type == "heading_open"]
    for token in reversed(headings):
        if token.level == 0 and token.map is not None:
            lines[slice(*token.map)] = [_lowered(token, lines, below)]
    return closed("\n".join(lines))


def inert(text: str) -> str:
    """Return Markdown whose HTML is shown as it stands: a viewer that runs HTML would take it for ours."""
    if "<" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    for token in _blocks.parse("\n".join(lines)):
        if token.map is None or token.type not in ("html_block", "inline"):
            continue
        first, last = token.map
        block = "\n".join(lines[first:last])
        shown = block.replace("<", "&lt;") if token.type == "html_block" else _HTML.sub(_shown, block)
        lines[first:last] = shown.split("\n")
    return "\n".join(lines)


def _shown(found: re.Match[str]) -> str:
    return "&lt;" if found[0] == "<" else found[0]


def _lowered(token: Token, lines: list[str], below: int) -> str:
    """Return a heading as one line at its new level, whichever way it was written."""
    first, last = token.map or [0, 0]
    marks = "#" * min(int(token.tag[1]) + below, _LOWEST)
    if token.markup.startswith("#"):
        return f"{marks} {lines[first].strip().lstrip('#').strip()}"
    return f"{marks} {' '.join(line.strip() for line in lines[first : last - 1])}"


def _ends(text: str) -> bool:
    """Whether a heading after `text` is one."""
    opening, *_ = _blocks.parse(f"{text}\n\n## Heading")[-3:]
    return opening.type == "heading_open" and opening.level == 0
