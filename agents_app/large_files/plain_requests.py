"""What the demo model understands of files: which of them is meant, and what is to be done with it."""

import re
from typing import Any

Wanted = tuple[str, dict[str, Any]]

_LINK = re.compile(r"\]\(/files/([0-9a-fA-F-]{36})/\)")
_URL = re.compile(r"https?://[^\s<>]+")
_PATH = re.compile(r"(?<![\w/:.])/[^\s<>]+")
_SEARCH = re.compile(
    r"\b(?:search|grep)\s+(?:in\s+)?(\[.*\]\([^)\s]*\)|\S+)\s+for\s+(.+)", re.IGNORECASE | re.DOTALL
)
_SUMMARIZE = re.compile(r"\bsummari[sz]e\s+(.+)", re.IGNORECASE | re.DOTALL)
_END = ".,;!?)'\"`"


def understand(prompt: str) -> Wanted | None:
    """Return the tool call for a request to summarize or to search a file, or None for any other."""
    if search := _SEARCH.search(prompt):
        source = _source(search[1])
        pattern = search[2].strip().strip("`")
        return _call(source, operation="search", pattern=pattern) if source and pattern else None
    if summarize := _SUMMARIZE.search(prompt):
        source = _source(summarize[1])
        return _call(source, operation="summary") if source else None
    return None


def _source(text: str) -> dict[str, str] | None:
    """Return the argument that names the file in a text, or None."""
    if link := _LINK.search(text):
        return {"file": link[1]}
    if url := _URL.search(text):
        return {"url": url[0].rstrip(_END)}
    path = _PATH.search(text)
    return {"path": path[0].rstrip(_END)} if path else None


def _call(source: dict[str, str], **more: str) -> Wanted:
    return "process_large_file", {**source, **more}
