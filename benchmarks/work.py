"""Work that does nothing, as a kind of subagent of its own: what is measured is the pool."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agents_app.context import ToolContext
from agents_app.registry import AgentType, Plan, ToolResult, agent_type
from benchmarks import ledger


def prepare(task: Mapping[str, Any], session_id: UUID) -> Plan:
    """Take any task."""
    return Plan(
        tool_name="nothing",
        arguments=task,
        title="Nothing",
        safe_to_repeat=True,
        execution_timeout_seconds=300,
    )


def execute(context: ToolContext, tool_name: str, arguments: Mapping[str, Any]) -> ToolResult:
    """Note that it started."""
    ledger.note()
    return ToolResult(summary="Nothing was done.")


agent_type(AgentType(name="nothing", pool="tools", prepare=prepare, execute=execute, answers_in_chat=False))
