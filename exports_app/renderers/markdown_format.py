"""Markdown that reads well raw, streamed."""

import re

from exports_app.document import DocumentMessage, SessionDocument
from exports_app.formats import Tick, Write, export_format
from exports_app.typesetting.embedding import closed

_SPEAKERS = {"user": "You", "assistant": "Agent", "subagent": "Subagent"}


@export_format(name="markdown", title="Markdown", content_type="text/markdown; charset=utf-8", suffix=".md")
def render_markdown(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write a title, the metadata if it is wanted, and each message under a heading of its own."""
    write(f"# {_one_line(document.title)}\n")
    if document.options.include_metadata:
        write(f"\n- Session: `{document.id}`\n- Owner: {_one_line(document.owner)}\n")
        write(f"- Started: {document.created_at:%Y-%m-%d %H:%M} UTC\n")
        write(
            f"- Exported: {document.exported_at:%Y-%m-%d %H:%M} UTC\n- Messages: {document.message_count}\n"
        )
    for number, message in enumerate(document.messages(), start=1):
        write(_message(message, document.options.include_metadata))
        tick(number)


def _message(message: DocumentMessage, include_metadata: bool) -> str:
    when = f" · {message.created_at:%Y-%m-%d %H:%M} UTC" if include_metadata else ""
    return f"\n---\n\n## {_SPEAKERS[message.role]}{when}\n\n{closed(message.content)}\n"


def _one_line(text: str) -> str:
    """Return text that cannot begin a new block or become markup."""
    return re.sub(r"([\\`*_~&\[\]<>#|])", r"\\\1", " ".join(text.split()))
