"""Reading all that a server offers: page by page, within bounds, without what no one could use safely."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mcp import Client, MCPError, types
from mcp.client import ClientSession

from agents_app.mcp import plainly
from agents_app.mcp.errors import McpError
from agents_app.mcp.plainly import line
from agents_app.mcp.results import Catalogue, ToolDescription

log = logging.getLogger(__name__)

MAX_PAGES = 100
MAX_ITEMS = 1_000
MAX_BYTES = 4 * 1024 * 1024
MAX_SCHEMA_BYTES = 64 * 1024
MAX_SCHEMA_DEPTH = 32
# As the specification has it, and the slash that older servers use.
_TOOL_NAME = re.compile(r"[A-Za-z0-9._/-]{1,128}")

_Page = (
    types.ListToolsResult
    | types.ListResourcesResult
    | types.ListResourceTemplatesResult
    | types.ListPromptsResult
)
_List = Callable[[types.PaginatedRequestParams | None], Awaitable[_Page]]


async def read(client: Client, server_name: str) -> Catalogue:
    """Return what the server offers. Raises `McpError` where it lists without end."""
    session, can = client.session, client.server_capabilities
    about = client.server_info or types.Implementation(name="", version="")
    catalogue = Catalogue(
        instructions=line(client.instructions, plainly.INSTRUCTIONS_CHARACTERS),
        protocol_version=client.protocol_version,
        server_name=line(about.name, plainly.NAME_CHARACTERS),
        server_version=line(about.version, plainly.NAME_CHARACTERS),
    )
    if can.tools is not None:
        catalogue = replace(catalogue, tools=await _tools(session, server_name))
    if can.resources is not None:
        catalogue = await _with_resources(session, catalogue)
    if can.prompts is not None:
        items = await _optional(lambda params: session.list_prompts(params=params), "prompts")
        catalogue = replace(catalogue, prompts=_distinct(map(plainly.prompt, items), "name"))
    return catalogue


async def _with_resources(session: ClientSession, catalogue: Catalogue) -> Catalogue:
    items = await _optional(lambda params: session.list_resources(params=params), "resources")
    templates = await _optional(
        lambda params: session.list_resource_templates(params=params), "resource_templates"
    )
    return replace(
        catalogue,
        resources=_distinct(map(plainly.resource, items), "uri"),
        resource_templates=_distinct(map(plainly.template, templates), "uri_template"),
    )


async def _tools(session: ClientSession, server_name: str) -> tuple[ToolDescription, ...]:
    found: dict[str, ToolDescription] = {}
    for tool in await _all(lambda params: session.list_tools(params=params), "tools"):
        if reason := _unusable(tool, found):
            log.warning("MCP server %s: tool %.80r is left out: %s", server_name, tool.name, reason)
        else:
            found[tool.name] = plainly.tool(tool)
    return tuple(found.values())


def _unusable(tool: types.Tool, found: dict[str, ToolDescription]) -> str | None:
    """Return why a tool cannot be offered to a model, or None."""
    if not _TOOL_NAME.fullmatch(tool.name):
        return "its name has characters that models do not take, or too many"
    if tool.name in found:
        return "another has its name"
    return _unusable_schema(tool.input_schema)


def _unusable_schema(schema: dict[str, Any]) -> str | None:
    if schema.get("type") != "object":
        return "its arguments are not an object"
    try:
        if len(json.dumps(schema, allow_nan=False)) > MAX_SCHEMA_BYTES:
            return f"its schema is larger than {MAX_SCHEMA_BYTES} bytes"
    except (ValueError, RecursionError):
        return "its schema is not JSON"
    for depth, part in _parts(schema):
        if depth > MAX_SCHEMA_DEPTH:
            return "its schema is nested too deep"
        reference = part.get("$ref", part.get("$dynamicRef", "#"))
        if not isinstance(reference, str) or not reference.startswith("#"):
            return "its schema refers to another document"  # which a validator might fetch
    return None


def _parts(value: Any, depth: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every object in `value` with how deep it lies, down to the first that lies too deep."""
    if isinstance(value, dict):
        yield depth, value
    if isinstance(value, dict | list) and depth <= MAX_SCHEMA_DEPTH:
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part, depth + 1)


def _distinct(items: Iterator[Any], name: str) -> tuple[Any, ...]:
    """Return the items that have a name of their own; the first of each counts."""
    found: dict[str, Any] = {}
    for item in items:
        if key := getattr(item, name):
            found.setdefault(key, item)
    return tuple(found.values())


async def _optional(list_page: _List, kind: str) -> list[Any]:
    """Return all items, or none where the server answers with an error: its tools may work all the same."""
    try:
        return await _all(list_page, kind)
    except MCPError as error:
        if error.code == types.CONNECTION_CLOSED:
            raise
        log.info("An MCP server does not list its %s: %.200s", kind, error)
        return []


@dataclass
class _Budget:
    """What all pages of one list may hold together."""

    items: int = MAX_ITEMS
    size: int = MAX_BYTES

    def spend(self, page: _Page, count: int) -> None:
        self.items -= count
        self.size -= len(page.model_dump_json())
        if self.items < 0 or self.size < 0:
            raise McpError("mcp_too_large", "The server lists more than is accepted.")


async def _all(list_page: _List, kind: str) -> list[Any]:
    budget, found, cursor = _Budget(), [], None
    for _ in range(MAX_PAGES):
        page = await list_page(types.PaginatedRequestParams(cursor=cursor) if cursor is not None else None)
        items = getattr(page, kind)
        budget.spend(page, len(items))
        found += items
        if page.next_cursor is None:
            return found
        if page.next_cursor == cursor:
            raise McpError("mcp_protocol_error", f"The server's list of {kind} begins again and again.")
        cursor = page.next_cursor
    raise McpError("mcp_too_large", f"The server's list of {kind} has over {MAX_PAGES} pages.")
