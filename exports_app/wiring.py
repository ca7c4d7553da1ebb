"""What this app hangs into the registries of the apps below."""

import json
from importlib import import_module
from typing import Any

from agents_app import gateway, maintenance
from agents_app.commands import answering
from agents_app.registry import agent_type
from exports_app import expiry, exporting
from exports_app.formats import find_format
from exports_app.options import read
from exports_app.selection import ALL
from sessions_app import messages, snapshot
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession, Message


def connect() -> None:
    """Hang everything in; called once when the app is ready."""
    import_module("exports_app.reports.tool")
    agent_type(exporting.EXPORT_AGENT)
    maintenance.when_purging(expiry.delete_files_of)
    snapshot.section("exports", exporting.snapshot)
    messages.command(messages.Command(name="export", check=_read, run=_export))


def _read(words: str) -> tuple[str, dict[str, Any], str | None]:
    """Return what `/export FORMAT [all] {json}` names: the format, Markdown if none, options, whether all.

    Raises `Refusal`: `unsupported_format`, `invalid_options`.
    """
    said, brace, wanted = words.partition("{")
    try:
        options = read(json.loads(brace + wanted or "{}"))
    except (ValueError, RecursionError):
        detail = 'The options are JSON: /export json {"first_message": 1, "last_message": 20}.'
        raise Refusal("invalid_options", detail) from None
    name, *more = said.split() or ["markdown"]
    kind = find_format(name)
    if more not in ([], [ALL]):
        detail = f"Behind the format comes {ALL}, for all chats, or nothing: /export {kind.name} {ALL}."
        raise Refusal("invalid_options", detail)
    return kind.name, options.stored(), ALL if more else None


def _export(message: Message, words: str) -> None:
    def request(session: ChatSession, words: str) -> str:
        name, options, wanted = _read(words)
        key = f"command:{message.pk}"
        gateway.request_export(session.pk, name, options, session_ids=wanted, idempotency_key=key)
        return ""  # its card tells all

    answering(request)(message, words)
