"""Markdown of others inside a document of ours."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_blocks = MarkdownIt("commonmark").disable("inline")
_LOWEST = 6


def closed(text: str) -> str:
    """Return text that swallows nothing after it.

    A code fence left open is closed; what is open otherwise, such as an HTML comment, is shown as code.
    """
    fence = next((token.markup for token in reversed(_blocks.parse(text)) if token.type == "fence"), "")
    code = max(re.findall("`+", text), key=len, default="") + "```"
    candidates = (text, f"{text}\n{fence}", f"{code}\n{text}\n{code}")
    return next(candidate for candidate in candidates if _ends(candidate))


def embedded(text: str, *, below: int) -> str:
    """Return text whose headings stand below those of level `below`, and that swallows nothing after it."""
    lines = text.replace("\r\n", "\n").split("\n")
    headings = [token for token in _blocks.parse("\n".join(lines)) if token.type == "heading_open"]
    for token in reversed(headings):
        if token.level == 0 and token.map is not None:
            lines[slice(*token.map)] = [_lowered(token, lines, below)]
    return closed("\n".join(lines))


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
