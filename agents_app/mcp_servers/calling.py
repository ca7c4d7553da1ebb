"""Tools of MCP servers among all others: found by name, and called where the connections are.

The connections live in the chat worker, which says so by `connect`. Everywhere else a call of such a tool is
handed to it: see `gateway`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from agents_app.context import ToolContext
from agents_app.mcp_servers.tools import McpTool, find, mcp_tools
from agents_app.registry import TOOLS, Tool, ToolResult, find_tool
from sessions_app.models import ChatSession

Call = Callable[[McpTool, ToolContext, Mapping[str, Any]], ToolResult]
# The hub has limits of its own and says which of them was reached: the call's own comes after them.
_MARGIN_SECONDS = 10.0
_connected: list[Call] = []


def connect(call: Call) -> None:
    """Have `call(tool, context, arguments)` make the calls of this process."""
    _connected[:] = [call]


def is_connected() -> bool:
    """Whether this process can call tools of MCP servers."""
    return bool(_connected)


def tool_at_hand(session: ChatSession, name: str) -> Tool:
    """Return a built-in tool or one of an MCP server that the session may use.

    Raises `Refusal` (`unknown_tool`).
    """
    if name not in TOOLS and (found := find(session.owner_id, name)) is not None:
        return as_tool(found)
    return find_tool(name)


def tools_at_hand(session: ChatSession) -> list[Tool]:
    """Return every tool that the session may use: built-in ones, then those of MCP servers."""
    return [
        *TOOLS.values(),
        *(as_tool(tool) for tool in mcp_tools(session.owner_id) if tool.name not in TOOLS),
    ]


def as_tool(tool: McpTool) -> Tool:
    """Return a tool of a server as the registry describes its own."""
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        run=partial(_run, tool),
        check=None,
        heavy=False,
        safe_to_repeat=tool.safe_to_repeat,
        execution_timeout_seconds=tool.execution_timeout_seconds + _MARGIN_SECONDS,
        approval=tool.approval,
        in_chat_worker=True,
    )


def _run(tool: McpTool, context: ToolContext, /, **arguments: Any) -> ToolResult:
    (call,) = _connected
    return call(tool, context, arguments)
