"""The built-in tools as the operator allows them: what a tool declares, unless a row says otherwise.

Tools of MCP servers have their policy on the server's row.
"""

from dataclasses import replace

from agents_app.approval_rows import ToolPolicy
from agents_app.registry import TOOLS, Tool, find_tool
from sessions_app.errors import Refusal

DENY = ToolPolicy.Approval.DENY.value


def built_in() -> list[Tool]:
    """Return every built-in tool, denied ones too, with what holds for it."""
    chosen = dict(ToolPolicy.objects.values_list("tool_name", "approval"))
    return [replace(tool, approval=chosen.get(tool.name, tool.approval)) for tool in TOOLS.values()]


def find(name: str) -> Tool:
    """Return a built-in tool with what holds for it. Raises `Refusal` (`unknown_tool`)."""
    tool = find_tool(name)
    chosen = ToolPolicy.objects.filter(tool_name=tool.name).values_list("approval", flat=True).first()
    return tool if chosen is None else replace(tool, approval=chosen)


def refuse_denied(tool: Tool) -> None:
    """Raise `Refusal` (`tool_denied`) if nobody may call the tool."""
    if tool.approval == DENY:
        raise Refusal("tool_denied", f"An operator does not allow {tool.name}.", status=403)
