"""Markdown of others inside a document of ours."""

import re

from sessions_app.markdown import events

_LOWEST = 6
_MAYBE_HEADING = re.compile(r"#|^[ \t]*(?:=+|-+)[ \t]*$", re.MULTILINE)
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
    code = max(re.findall("`+", text), key=len, default="") + "```"
    return f"{code}\n{text}\n{code}"


def embedded(text: str, *, below: int) -> str:
    """Return text whose headings stand below those of level `below`, and that swallows nothing after it."""
    if not _MAYBE_HEADING.search(text):
        return closed(text)
    data, parts, end = text.encode(), [], 0
    for level, start, stop in _headings(text):
        parts += [data[end:start].decode(), _lowered(data[start:stop].decode(), level + below)]
        end = stop
    return closed("".join([*parts, data[end:].decode()]))


def _headings(text: str) -> list[tuple[int, int, int]]:
    """Return level and place of the headings that are in nothing else."""
    found, depth = [], 0
    for event, start, end in events(text):
        if "Start" in event:
            tag = event["Start"]
            if depth == 0 and "Heading" in tag:
                found.append((int(tag["Heading"]["level"][1]), start, end))
            depth += 1
        elif "End" in event:
            depth -= 1
    return found


def _lowered(heading: str, level: int) -> str:
    """Return a heading as one line at its new level; only one that is underlined has more than one."""
    marks = "#" * min(level, _LOWEST)
    ending = heading[len(heading.rstrip("\r\n")) :]
    first, *others = heading.strip().split("\n")
    words = " ".join(line.strip() for line in [first, *others[:-1]]) if others else first.lstrip("#").strip()
    return f"{marks} {words}{ending}"


def _ends(text: str) -> bool:
    """Whether a heading after `text` is one, and in nothing else."""
    *_, last = events(f"{text}\n\n## Heading")
    return last[0] == {"End": {"Heading": "H2"}}


def _last_fence(text: str) -> str:
    """Return what the last block of code began with, an empty string if there is none."""
    blocks = [start for event, start, _ in events(text) if "Start" in event and "CodeBlock" in event["Start"]]
    fence = _FENCE.search(text.encode()[blocks[-1] :].decode()) if blocks else None
    return fence[0] if fence else ""
