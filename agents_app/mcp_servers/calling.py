"""Tools of MCP servers among all others: found by name, and called where the connections are.

The connections live in the chat worker, which says so by `connect`. Everywhere else a call of such a tool is
handed to it: see `gateway`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from django.db.models import F
from django.utils import timezone

from agents_app import tool_policies
from agents_app.context import ToolContext
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.tools import McpTool, find, mcp_tools
from agents_app.registry import TOOLS, Tool, ToolResult
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

# The hub has limits of its own and says which of them was reached: the call's own comes after them.
_MARGIN_SECONDS = 10.0
_connected: list["Connections"] = []


class Connections(Protocol):
    """What the process with the connections does for tools; each raises `ToolError` and `Refusal`."""

    def call(self, tool: McpTool, context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool of a server."""

    def read_resource(self, server: McpServer, context: ToolContext, uri: str) -> ToolResult:
        """Read a resource."""

    def get_prompt(
        self, server: McpServer, context: ToolContext, name: str, arguments: Mapping[str, str]
    ) -> ToolResult:
        """Have a prompt written."""


def connect(connections: Connections) -> None:
    """Have the calls of this process made through these connections."""
    _connected[:] = [connections]


def is_connected() -> bool:
    """Whether this process can call tools of MCP servers."""
    return bool(_connected)


def tool_at_hand(session: ChatSession, name: str) -> Tool:
    """Return a built-in tool or one of an MCP server that the session may use.

    Its `approval` may be deny. Raises `Refusal` (`unknown_tool`).
    """
    return tool_of(session.owner_id, name)


def tool_of(owner_id: Any, name: str) -> Tool:
    """Return a built-in tool or one of an MCP server that the user may use.

    Raises `Refusal` (`unknown_tool`).
    """
    if name not in TOOLS and (found := find(owner_id, name)) is not None:
        return as_tool(found)
    return tool_policies.find(name)


def tools_at_hand(session: ChatSession) -> list[Tool]:
    """Return every tool that the session may use: built-in ones, then those of MCP servers."""
    return [
        *(tool for tool in tool_policies.built_in() if tool.approval != tool_policies.DENY),
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
        heavy=tool.heavy,
        safe_to_repeat=tool.safe_to_repeat,
        execution_timeout_seconds=tool.execution_timeout_seconds + _MARGIN_SECONDS,
        idle_timeout_seconds=tool.idle_timeout_seconds + _MARGIN_SECONDS,
        approval=tool.approval,
        in_chat_worker=True,
    )


def read_resource(context: ToolContext, server: str, uri: str) -> ToolResult:
    """Read a resource of a server that the session may use. Raises `Refusal` (`unknown_mcp_server`)."""
    return _connected[0].read_resource(_usable(context, server), context, uri)


def get_prompt(context: ToolContext, server: str, name: str, arguments: Mapping[str, str]) -> ToolResult:
    """Have a prompt written by a server that the session may use. Raises `Refusal` (`unknown_mcp_server`)."""
    return _connected[0].get_prompt(_usable(context, server), context, name, arguments)


def _usable(context: ToolContext, name: str) -> McpServer:
    rows = McpServer.objects.usable_by(context.owner_id, timezone.now()).filter(name=name)
    row = rows.order_by(F("owner").asc(nulls_first=True)).first()
    if row is None:
        raise Refusal(
            "unknown_mcp_server", f"There is no MCP server {name[:80]!r} that can be used now.", 404
        )
    return row


def _run(tool: McpTool, context: ToolContext, /, **arguments: Any) -> ToolResult:
    return _connected[0].call(tool, context, arguments)
