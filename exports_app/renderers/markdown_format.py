"""Markdown that reads well raw, streamed."""

import re

from markdown_it import MarkdownIt

from exports_app.document import DocumentMessage, SessionDocument
from exports_app.formats import Tick, Write, export_format

_SPEAKERS = {"user": "You", "assistant": "Agent", "subagent": "Subagent"}
_blocks = MarkdownIt("commonmark").disable("inline")


@export_format(name="markdown", title="Markdown", content_type="text/markdown; charset=utf-8", suffix=".md")
def render_markdown(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write a title, the metadata if it is wanted, and each message under a heading of its own."""
    write(f"# {_one_line(document.title)}\n")
    if document.include_metadata:
        write(f"\n- Session: `{document.id}`\n- Owner: {_one_line(document.owner)}\n")
        write(f"- Started: {document.created_at:%Y-%m-%d %H:%M} UTC\n")
        write(
            f"- Exported: {document.exported_at:%Y-%m-%d %H:%M} UTC\n- Messages: {document.message_count}\n"
        )
    for number, message in enumerate(document.messages(), start=1):
        write(_message(message, document.include_metadata))
        tick(number)


def _message(message: DocumentMessage, include_metadata: bool) -> str:
    when = f" · {message.created_at:%Y-%m-%d %H:%M} UTC" if include_metadata else ""
    return f"\n---\n\n## {_SPEAKERS[message.role]}{when}\n\n{_closed(message.content)}\n"


def _closed(text: str) -> str:
    """Return text that swallows no message after it.

    A code fence left open is closed; what is open otherwise, such as an HTML comment, is shown as code.
    """
    fence = next((token.markup for token in reversed(_blocks.parse(text)) if token.type == "fence"), "")
    code = max(re.findall("`+", text), key=len, default="") + "```"
    candidates = (text, f"{text}\n{fence}", f"{code}\n{text}\n{code}")
    return next(candidate for candidate in candidates if _ends(candidate))


def _ends(text: str) -> bool:
    """Whether a heading after `text` is one."""
    opening, *_ = _blocks.parse(f"{text}\n\n## Heading")[-3:]
    return opening.type == "heading_open" and opening.level == 0


def _one_line(text: str) -> str:
    """Return text that cannot begin a new block or become markup."""
    return re.sub(r"([\\`*_~&\[\]<>#|])", r"\\\1", " ".join(text.split()))
