"""The tools of MCP servers as models and programs see them, from what each server offered last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.naming import call_name

DESCRIPTION_MAX_CHARACTERS = 2000
TITLE_MAX_CHARACTERS = 100
ALLOW, ASK, DENY = McpServer.Approval.ALLOW.value, McpServer.Approval.ASK.value, McpServer.Approval.DENY.value


@dataclass(frozen=True, kw_only=True)
class McpTool:
    """A tool of an MCP server. `name` is what models call it, `tool_name` what the server does.

    `approval` is allow, ask or deny. `safe_to_repeat` says that a second run after a crash does no harm.
    """

    name: str
    server_id: UUID
    server_name: str
    tool_name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    heavy: bool
    safe_to_repeat: bool
    approval: str
    execution_timeout_seconds: float
    idle_timeout_seconds: float


def mcp_tools(owner_id: Any) -> list[McpTool]:
    """Return the tools that the sessions of a user may call now, in the order of their names.

    Those that are denied, switched off or paused are left out. It reads rows only.
    """
    rows = McpServer.objects.usable_by(owner_id, timezone.now())
    # One for everybody goes before a user's own of the same name.
    found: dict[str, McpTool] = {}
    for row in sorted(rows, key=lambda row: row.owner_id is not None):
        for tool in tools_of(row):
            if tool.approval != DENY:
                found.setdefault(tool.name, tool)
    return [found[name] for name in sorted(found)]


def find(owner_id: Any, name: str) -> McpTool | None:
    """Return the tool that a user's session may call by this name, or None."""
    return next((tool for tool in mcp_tools(owner_id) if tool.name == name), None)


def tools_of(row: McpServer) -> list[McpTool]:
    """Return every tool of a server, denied ones too; of two with one name the plainly named one."""
    offered: Iterable[Mapping[str, Any]] = row.catalogue.get("tools", [])
    found: dict[str, McpTool] = {}
    for tool in sorted(offered, key=lambda tool: not _is_plain(row, tool)):
        described = _described(row, tool)
        found.setdefault(described.name, described)
    return list(found.values())


def approval_of(row: McpServer, tool: Mapping[str, Any]) -> str:
    """Return allow, ask or deny: what was set for the tool, else for the server, else by what it says.

    A tool that only reads is allowed. One that may destroy is asked for. Of a third party everything else is
    asked for, too: that its tool is harmless is only its own word.
    """
    chosen = row.tool_approvals.get(tool["name"]) or row.approval
    if chosen in (ALLOW, ASK, DENY):
        return str(chosen)
    if tool.get("read_only"):
        return ALLOW
    return ALLOW if row.trusted and not tool.get("destructive") else ASK


def _is_plain(row: McpServer, tool: Mapping[str, Any]) -> bool:
    return call_name(row.name, tool["name"]) == f"{row.name}__{tool['name']}"


def _described(row: McpServer, tool: Mapping[str, Any]) -> McpTool:
    name = tool["name"]
    repeatable = row.trusted and bool(tool.get("idempotent") or tool.get("read_only"))
    return McpTool(
        name=call_name(row.name, name),
        server_id=row.pk,
        server_name=row.name,
        tool_name=name,
        title=(tool.get("title") or name)[:TITLE_MAX_CHARACTERS],
        description=tool.get("description", "")[:DESCRIPTION_MAX_CHARACTERS],
        input_schema=tool.get("input_schema", {"type": "object"}),
        heavy=row.heavy or any(fnmatchcase(name, pattern) for pattern in row.heavy_tools),
        safe_to_repeat=repeatable,
        approval=approval_of(row, tool),
        execution_timeout_seconds=row.call_timeout_seconds,
        idle_timeout_seconds=row.idle_timeout_seconds,
    )
