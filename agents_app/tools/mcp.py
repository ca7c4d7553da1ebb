"""What MCP servers offer beside tools: resources, which are read, and prompts, which are filled in."""

from typing import Any

from django.utils import timezone

from agents_app.context import ToolContext
from agents_app.mcp_servers import calling
from agents_app.mcp_servers.model import McpServer
from agents_app.registry import ToolResult, tool

LISTED_MAX = 200
_SERVER = {"type": "string", "maxLength": 64, "description": "the server's name"}


@tool(
    name="list_resources",
    description="List the resources and prompts that MCP servers offer, by server.",
    input_schema={
        "type": "object",
        "properties": {"server": _SERVER},
        "additionalProperties": False,
    },
    safe_to_repeat=True,
)
def list_resources(context: ToolContext, server: str = "") -> ToolResult:
    """Return what each server offered last."""
    rows = McpServer.objects.usable_by(context.owner_id, timezone.now())
    listed = {row.name: _offered(row) for row in rows if server in ("", row.name)}
    found = sum(len(names) for one in listed.values() for names in one.values())
    return ToolResult(summary=f"{found} resources and prompts.", data={"servers": listed})


@tool(
    name="read_resource",
    description="Read a resource of an MCP server, such as one that the user named as @server:uri.",
    input_schema={
        "type": "object",
        "properties": {"server": _SERVER, "uri": {"type": "string", "maxLength": 2000}},
        "required": ["server", "uri"],
        "additionalProperties": False,
    },
    safe_to_repeat=True,
    execution_timeout_seconds=120,
    in_chat_worker=True,
)
def read_resource(context: ToolContext, server: str, uri: str) -> ToolResult:
    """Return its contents."""
    return calling.read_resource(context, server, uri)


@tool(
    name="get_prompt",
    description="Have an MCP server write one of its prompts from arguments.",
    input_schema={
        "type": "object",
        "properties": {
            "server": _SERVER,
            "name": {"type": "string", "maxLength": 200},
            "arguments": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["server", "name"],
        "additionalProperties": False,
    },
    safe_to_repeat=True,
    execution_timeout_seconds=120,
    in_chat_worker=True,
)
def get_prompt(
    context: ToolContext, server: str, name: str, arguments: dict[str, str] | None = None
) -> ToolResult:
    """Return the prompt's messages."""
    return calling.get_prompt(context, server, name, arguments or {})


def _offered(row: McpServer) -> dict[str, list[Any]]:
    kinds = {"resources": "uri", "resource_templates": "uri_template", "prompts": "name"}
    return {
        kind: [_short(entry, key) for entry in row.catalogue.get(kind, [])[:LISTED_MAX]]
        for kind, key in kinds.items()
    }


def _short(entry: dict[str, Any], key: str) -> dict[str, Any]:
    short = {key: entry[key], "description": entry.get("description", "")[:200]}
    if entry.get("arguments"):
        short["arguments"] = entry["arguments"]
    return short
