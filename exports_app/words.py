"""What the formats for reading say about an entry, in the same words in each."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from agents_app.wording.tables import duration
from exports_app.document import DocumentMessage, DocumentSubagent, DocumentToolCall, SessionDocument
from sessions_app import markdown
from sessions_app.plain import text as plain

ARGUMENTS_MAX_CHARACTERS = 4_000
RESULT_MAX_CHARACTERS = 12_000
_OUTLINE_CHARACTERS = 48
_LINE_CHARACTERS = 80
_SPEAKERS = {"user": "You", "assistant": "Agent", "subagent": "Subagent"}
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SIGNS = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "\N{SYMBOL FOR DELETE}"}

Work = DocumentToolCall | DocumentSubagent


def speaker(message: DocumentMessage) -> str:
    """Return who speaks."""
    return _SPEAKERS[message.role]


def name(message: DocumentMessage) -> str:
    """Return what an outline calls a message: its number, who speaks, how it begins."""
    words = " ".join(_without_markup(message.content[: 4 * _OUTLINE_CHARACTERS]).split())
    shown = words if len(words) <= _OUTLINE_CHARACTERS else f"{words[: _OUTLINE_CHARACTERS - 1]}…"
    return f"{message.number}  {speaker(message)}: {shown}"


def _without_markup(text: str) -> str:
    """Return the words of Markdown."""
    return "".join(part.words if part.is_in_line else f" {part.words}" for part in markdown.parts(text))


def about_message(message: DocumentMessage, *, metadata: bool) -> list[str]:
    """Return what is known of a message beside its words."""
    known = [moment(message.created_at), message.model] if metadata else []
    return [*filter(None, known), *([] if message.state == "complete" else [message.state])]


def about_session(document: SessionDocument) -> dict[str, str]:
    """Return what is known of the session, by its name; nothing without metadata."""
    if not document.options.include_metadata:
        return {}
    known = {
        "Owner": document.owner,
        "Model": document.model,
        "Started": moment(document.created_at),
        "Exported": moment(document.exported_at),
        "Messages": f"{document.message_count:,}",
        "Session": str(document.id),
    }
    return {label: value for label, value in known.items() if value}


def title(work: Work) -> str:
    """Return what a call or a subagent is called."""
    if isinstance(work, DocumentSubagent):
        return f"Subagent: {plain(work.title or work.tool_name, 300)}"
    return f"Tool: {plain(work.tool_name, 100)}"


def about_work(work: Work, *, metadata: bool) -> list[str]:
    """Return its state and, with metadata, when it was asked for and how long it took."""
    if not metadata:
        return [work.state]
    took = [] if work.duration_ms is None else [duration(work.duration_ms / 1000)]
    if isinstance(work, DocumentToolCall):
        return [work.state, *took, moment(work.created_at)]
    tried = [f"attempt {work.attempt}"] if work.attempt > 1 else []
    return [work.state, *took, *tried, moment(work.queued_at)]


def parts(work: Work) -> Iterator[tuple[str, str, str]]:
    """Yield label, text and language of what it was given and what it gave back, each of bounded length."""
    for label, value, limit in (
        ("Arguments", work.args, ARGUMENTS_MAX_CHARACTERS),
        ("Result", work.result, RESULT_MAX_CHARACTERS),
        ("Error", work.error, RESULT_MAX_CHARACTERS),
    ):
        if value not in (None, {}, [], ""):
            yield label, *_shown(value, limit)
    if isinstance(work, DocumentSubagent) and work.files:
        yield "Files", bounded("\n".join(map(_file, work.files)), RESULT_MAX_CHARACTERS), ""


def _file(file: Mapping[str, Any]) -> str:
    checksum = f"  SHA-256 {file['sha256']}" if "sha256" in file else ""
    return f"{file['name']}  {file['size']:,} bytes{checksum}"


def bounded(text: str, limit: int) -> str:
    """Return `text`, or its beginning and how much of it is left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {len(text) - limit:,} more characters"


def visible(text: str) -> str:
    """Return text with signs for characters that would steer a terminal; the ends of its lines are alike."""
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return _CONTROLS.sub(lambda found: _SIGNS.get(found[0], "\N{REPLACEMENT CHARACTER}"), text)


def moment(value: datetime) -> str:
    """Return when something was."""
    # In the same form `strftime` takes ten times as long.
    return f"{value.isoformat(' ', 'minutes')[:16]} UTC"


def _shown(value: object, limit: int) -> tuple[str, str]:
    if isinstance(value, str):
        return bounded(value, limit), ""
    line = json.dumps(value, ensure_ascii=False, default=str)
    shown = (
        line
        if len(line) <= _LINE_CHARACTERS
        else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    )
    return bounded(shown, limit), "json"
