"""The agent type that runs one tool."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agents_app import tool_policies
from agents_app.context import ToolContext
from agents_app.files import arguments as files
from agents_app.mcp_servers import calling
from agents_app.registry import TOOLS, AgentType, Plan, Tool, ToolResult
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

TIMEOUT_MAX_SECONDS = 3600


def prepare(task: Mapping[str, Any], session_id: UUID) -> Plan:
    """Validate `{"tool_name": …, "args": {…}}`.

    Raises `Refusal`: `invalid_task`, `unknown_tool`, `tool_denied`, what the tool refuses, `file_not_found`.
    """
    unknown = set(task) - {"tool_name", "args", "timeout_seconds"}
    if unknown or not isinstance(task.get("tool_name"), str):
        raise Refusal("invalid_task", 'The task of a tool executor is {"tool_name": …, "args": {…}}.')
    timeout_seconds = task.get("timeout_seconds")
    if timeout_seconds is not None and not _is_timeout(timeout_seconds):
        raise Refusal("invalid_task", f"timeout_seconds is a number from 1 to {TIMEOUT_MAX_SECONDS}.")
    name, owner_id = task["tool_name"], None
    if name not in TOOLS:
        owner_id = _owner(session_id)
    tool = calling.tool_of(owner_id, name)
    tool_policies.refuse_denied(tool)
    arguments = tool.validate(task.get("args", {}))
    if files.file_ids(tool, arguments):
        files.refuse_unreadable(tool, arguments, _owner(session_id))
    if tool.permit is not None:
        tool.permit(_owner(session_id), **arguments)
    return plan(tool, arguments, timeout_seconds)


def _owner(session_id: UUID) -> int | None:
    return ChatSession.objects.filter(pk=session_id).values_list("owner_id", flat=True).first()


def plan(tool: Tool, arguments: Mapping[str, Any], timeout_seconds: float | None = None) -> Plan:
    """Return what a subagent is to do that runs a tool with arguments which were validated."""
    return Plan(
        tool_name=tool.name,
        arguments=arguments,
        title=_title(tool, arguments),
        safe_to_repeat=tool.safe_to_repeat,
        execution_timeout_seconds=timeout_seconds or tool.execution_timeout_seconds,
        idle_timeout_seconds=tool.idle_timeout_seconds,
        queue=tool.queue,
    )


def execute(context: ToolContext, tool_name: str, arguments: Mapping[str, Any]) -> ToolResult:
    """Run the tool. Raises `Refusal` (`unknown_tool`): a server may be gone by now."""
    return calling.tool_of(context.owner_id, tool_name).run(context, **arguments)


def _is_timeout(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 1 <= float(str(value)) <= TIMEOUT_MAX_SECONDS


def _title(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Name the work by its tool and its first text argument, or file: what a person would call it.

    What is a mere choice, such as a format, names nothing.
    """
    chosen = {name for name, schema in tool.input_schema.get("properties", {}).items() if "enum" in schema}
    texts = (value for name, value in arguments.items() if name not in chosen and isinstance(value, str))
    subject = next((text for text in texts if text), "")
    subject = files.file_names(tool, arguments).get(subject, subject)
    return f"{tool.title}: {subject}" if subject else tool.title


TOOL_EXECUTOR = AgentType(name="tool_executor", pool="tools", prepare=prepare, execute=execute)
