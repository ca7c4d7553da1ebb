"""What this app hangs into the registries of the apps below."""

from agents_app.registry import agent_type
from exports_app import exporting
from sessions_app import snapshot


def connect() -> None:
    """Hang everything in; called once when the app is ready."""
    agent_type(exporting.EXPORT_AGENT)
    snapshot.section("exports", exporting.snapshot)
