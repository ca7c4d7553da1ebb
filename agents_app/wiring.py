"""What this app hangs into the registries of the apps around it."""

from typing import Any
from uuid import UUID

from agents_app import (
    approvals,
    commands,
    gateway,
    maintenance,
    model_providers,
    pool,
    turn_requests,
    turn_sections,
    turns,
    usage,
)
from agents_app.mcp_servers import changes
from agents_app.models import Subagent, ToolCall
from agents_app.presentation import subagent_payloads, tool_payload
from agents_app.registry import agent_type
from agents_app.tool_executor import TOOL_EXECUTOR
from sessions_app import branches, lifecycle, messages, snapshot

__all__ = ["connect", "maintenance"]  # to import maintenance is to declare its jobs


def connect() -> None:
    """Hang everything in; called once when the app is ready."""
    agent_type(TOOL_EXECUTOR)
    messages.when_posted(lambda change, message: turn_requests.request(change))
    lifecycle.check_model(model_providers.check_choice)
    lifecycle.when_stopping(turns.stop_all)
    lifecycle.when_stopping(pool.cancel_all)
    snapshot.section("turn", turn_sections.unfinished)
    snapshot.section("notices", turn_sections.notices)
    commands.connect()
    changes.when_changed(gateway.look_at_server)
    snapshot.section("usage", usage.of_session)
    snapshot.section("answers", turn_sections.answers)
    snapshot.section("approvals", approvals.snapshot)
    snapshot.section("subagents", _subagents)
    snapshot.section("tool_calls", _tool_calls)


def _subagents(session_id: UUID) -> list[Any]:
    return list(subagent_payloads(_placed(Subagent.objects.all(), session_id)))


def _tool_calls(session_id: UUID) -> list[Any]:
    return [tool_payload(row) for row in _placed(ToolCall.objects.all(), session_id)]


def _placed(rows: Any, session_id: UUID) -> Any:
    """Return those of a session that belong to the branch that is shown, in order."""
    return rows.filter(branches.shown(session_id), session_id=session_id).order_by("seq")
