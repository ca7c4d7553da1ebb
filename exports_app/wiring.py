"""What this app hangs into the registries of the apps below."""

from importlib import import_module

from agents_app import gateway, maintenance
from agents_app.registry import agent_type
from exports_app import expiry, exporting
from exports_app.formats import find_format
from sessions_app import messages, snapshot
from sessions_app.models import Message


def connect() -> None:
    """Hang everything in; called once when the app is ready."""
    import_module("exports_app.reports.tool")
    agent_type(exporting.EXPORT_AGENT)
    maintenance.when_purging(expiry.delete_files_of)
    snapshot.section("exports", exporting.snapshot)
    messages.command(messages.Command(name="export", check=_checked_format, run=_export))


def _checked_format(words: str) -> str:
    """Return the format that `/export FORMAT` names, Markdown if none. Raises `Refusal`."""
    return find_format(words or "markdown").name


def _export(message: Message, words: str) -> None:
    gateway.request_export(
        message.session_id, _checked_format(words), {}, idempotency_key=f"command:{message.pk}"
    )
