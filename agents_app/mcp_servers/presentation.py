"""Rows as doors show them: of secrets the names alone, and to users of others' servers not even how they
are reached."""

from datetime import datetime
from typing import Annotated, Any, TypedDict

from agents_app.mcp_servers import address
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.tools import tools_of
from sessions_app.payloads import Error
from sessions_app.payloads.forms import Id, OneOf, Time

TRANSPORTS = OneOf(*McpServer.Transport.values)
SCOPES = OneOf(*McpServer.Scope.values)
APPROVALS = OneOf(*McpServer.Approval.values)
CALL_APPROVALS = OneOf("allow", "ask", "deny")
HEALTH = OneOf(*McpServer.Health.values)


class Reached(TypedDict):
    """How a server is reached, and of its secrets the names."""

    command: str
    args: list[str]
    env_names: list[str]
    url: Annotated[str, "the values of its query are hidden"]
    header_names: list[str]
    tool_approvals: Annotated[dict[str, str], "tool name to `allow`, `ask` or `deny`"]
    heavy_tools: Annotated[list[str], "patterns of names of tools that run as subagents"]


class McpServerState(TypedDict):
    """An MCP server as it stands."""

    id: Id
    name: Annotated[str, "begins the names of its tools: `NAME__TOOL`"]
    shared: Annotated[bool, "whether everybody's sessions use it, not only its owner's"]
    owner: Annotated[str | None, "a user's name; null if shared"]
    editable: Annotated[bool, "whether you may change it"]
    transport: Annotated[str, TRANSPORTS]
    scope: Annotated[str, SCOPES, "who shares a connection"]
    enabled: bool
    trusted: Annotated[bool, "whether it is believed in what it says of its tools"]
    heavy: Annotated[bool, "whether every tool runs as a subagent"]
    approval: Annotated[str, APPROVALS, "`default` goes by what the server says of each tool"]
    connect_timeout_seconds: float
    idle_timeout_seconds: Annotated[float, "longest time of a call without progress"]
    call_timeout_seconds: Annotated[float, "longest call in all"]
    health: Annotated[str, HEALTH, "`paused` until `retry_at`, or until it is resumed if that is null"]
    failures: Annotated[int, "failed attempts in a row"]
    error: Annotated[Error | None, "the last failure since it was connected"]
    failed_at: Time | None
    retry_at: Time | None
    connected_at: Annotated[Time | None, "the last time"]
    protocol_version: str
    server_name: Annotated[str, "what it calls itself"]
    server_version: str
    instructions: Annotated[str, "the server's own words for models"]
    tool_count: int
    resource_count: int
    prompt_count: int
    left_out: Annotated[int, "what it offers and is too much to be kept"]
    catalogue_at: Annotated[Time | None, "when it was last asked what it offers"]
    created_at: Time
    reached: Annotated[Reached | None, "null unless you may change it"]


class McpToolState(TypedDict):
    """A tool of an MCP server."""

    name: Annotated[str, "what models and programs call it"]
    tool_name: Annotated[str, "what its server calls it"]
    title: str
    description: str
    input_schema: dict[str, Any]
    heavy: Annotated[bool, "whether it runs as a subagent"]
    safe_to_repeat: bool
    approval: Annotated[str, CALL_APPROVALS, "what happens to a call"]


def server_state(row: McpServer, user: Any) -> McpServerState:
    """Return a server as `user` may see it. What failed is told only to who may change it."""
    editable = may_edit(row, user)
    offered = row.catalogue
    return {
        "id": str(row.pk),
        "name": row.name,
        "shared": row.owner_id is None,
        "owner": None if row.owner is None else row.owner.get_username(),
        "editable": editable,
        "transport": row.transport,
        "scope": row.scope,
        "enabled": row.enabled,
        "trusted": row.trusted,
        "heavy": row.heavy,
        "approval": row.approval,
        "connect_timeout_seconds": row.connect_timeout_seconds,
        "idle_timeout_seconds": row.idle_timeout_seconds,
        "call_timeout_seconds": row.call_timeout_seconds,
        "health": row.health,
        "failures": row.failures,
        "error": _error(row, editable),
        "failed_at": _iso(row.failed_at),
        "retry_at": _iso(row.retry_at),
        "connected_at": _iso(row.connected_at),
        "protocol_version": row.protocol_version,
        "server_name": offered.get("server_name", ""),
        "server_version": offered.get("server_version", ""),
        "instructions": offered.get("instructions", ""),
        "tool_count": len(offered.get("tools", [])),
        "resource_count": len(offered.get("resources", [])),
        "prompt_count": len(offered.get("prompts", [])),
        "left_out": offered.get("left_out", 0),
        "catalogue_at": _iso(row.catalogue_at),
        "created_at": row.created_at.isoformat(),
        "reached": _reached(row) if editable else None,
    }


def tool_states(row: McpServer) -> list[McpToolState]:
    """Return every tool of a server, denied ones too, in the order of their names."""
    tools = sorted(tools_of(row), key=lambda tool: tool.name)
    return [
        {
            "name": tool.name,
            "tool_name": tool.tool_name,
            "title": tool.title,
            "description": tool.description,
            "input_schema": dict(tool.input_schema),
            "heavy": tool.heavy,
            "safe_to_repeat": tool.safe_to_repeat,
            "approval": tool.approval,
        }
        for tool in tools
    ]


def may_edit(row: McpServer, user: Any) -> bool:
    """Whether `user` may change the server: staff every one, others their own."""
    return bool(user.is_staff or (row.owner_id is not None and row.owner_id == user.pk))


def _reached(row: McpServer) -> Reached:
    return {
        "command": row.command,
        "args": list(row.args),
        "env_names": sorted(row.env),
        "url": address.shown(row.url),
        "header_names": sorted(row.headers),
        "tool_approvals": dict(row.tool_approvals),
        "heavy_tools": list(row.heavy_tools),
    }


def _error(row: McpServer, editable: bool) -> Error | None:
    if not row.error_code:
        return None
    # A library's words may name hosts and folders.
    message = row.error_message if editable else "Its operator can see why."
    return {"code": row.error_code, "message": message}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
