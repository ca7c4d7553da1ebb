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


def _read(words: str) -> tuple[str, dict[str, Any]]:
    """Return the format that `/export FORMAT {json}` names, Markdown if none, and the options.

    Raises `Refusal`: `unsupported_format`, `invalid_options`.
    """
    name, _, wanted = words.partition(" ")
    try:
        options = read(json.loads(wanted or "{}"))
    except (ValueError, RecursionError):
        detail = 'The options are JSON: /export json {"first_message": 1, "last_message": 20}.'
        raise Refusal("invalid_options", detail) from None
    return find_format(name or "markdown").name, options.stored()


def _export(message: Message, words: str) -> None:
    def request(session: ChatSession, words: str) -> str:
        gateway.request_export(session.pk, *_read(words), idempotency_key=f"command:{message.pk}")
        return ""  # its card tells all

    answering(request)(message, words)
