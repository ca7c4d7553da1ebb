"""Markdown of others inside a document of ours."""

import re
from collections.abc import Iterator

from sessions_app.markdown import Change, changed, events, fenced

_LOWEST = 6
_MAYBE_HEADING = re.compile(r"#|^[ \t>]*(?:=+|-+)[ \t]*$", re.MULTILINE)
# In a quote its marks are at each line.
_BEFORE_WORDS = re.compile(r"^[ \t>]+")
_FENCE = re.compile("[`~]+")


def closed(text: str) -> str:
    """Return text that swallows nothing after it.

    A code fence left open is closed; what is open otherwise, such as an HTML comment, is shown as code.
    """
    if _ends(text):
        return text
    with_fence = f"{text}\n{_last_fence(text)}"
    if _ends(with_fence):
        return with_fence
    return fenced(text)


def embedded(text: str, *, below: int) -> str:
    """Return text whose headings stand below those of level `below`, and that swallows nothing after it."""
    if not _MAYBE_HEADING.search(text):
        return closed(text)
    return closed(changed(text, _lowered_headings(text, below)))


def _lowered_headings(text: str, below: int) -> Iterator[Change]:
    data = text.encode()
    for kind, value, start, end in events(text):
        if kind == "Start" and value[0] == "Heading":
            level = int(value[1]["level"][1]) + below
            yield Change(start, end, _lowered(data[start:end].decode(), level).encode())


def _lowered(heading: str, level: int) -> str:
    """Return a heading as one line at its new level; only one that is underlined has more than one."""
    marks = "#" * min(level, _LOWEST)
    ending = heading[len(heading.rstrip("\r\n")) :]
    first, *others = heading.strip().split("\n")
    lines = (_BEFORE_WORDS.sub("", line).rstrip() for line in [first, *others[:-1]])
    words = " ".join(lines) if others else first.lstrip("#").strip()
    return f"{marks} {words}{ending}"


def _ends(text: str) -> bool:
    """Whether a heading after `text` is one, and in nothing else."""
    *_, (_, last, _, _) = events(f"{text}\n\n## Heading")
    return last == ("Heading", "H2")


def _last_fence(text: str) -> str:
    """Return what the last block of code began with, an empty string if there is none."""
    blocks = [start for kind, value, start, _ in events(text) if kind == "Start" and value[0] == "CodeBlock"]
    fence = _FENCE.search(text.encode()[blocks[-1] :].decode()) if blocks else None
    return fence[0] if fence else ""
