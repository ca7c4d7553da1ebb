"""The chat worker's connections to MCP servers: calls through them, and looks at what the servers offer.

Calls come from threads and are made on the loop that all turns share; there each connection lives.
"""

import asyncio
import logging
import sys
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from django.utils import timezone

from agents_app.context import ToolContext, ToolError
from agents_app.heard import Heard
from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Report
from agents_app.mcp.results import CallResult, percent
from agents_app.mcp.server import Server
from agents_app.mcp_servers import calling, health, telling
from agents_app.mcp_servers.model import McpServer
from agents_app.mcp_servers.serving import as_server, out_of_use
from agents_app.mcp_servers.tools import McpTool
from agents_app.registry import ToolResult
from agents_app.turn_thread import in_a_thread, on_the_shared_loop, shared_loop
from sessions_app.errors import Refusal

T = TypeVar("T")
logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
HOUSEKEEPING_SECONDS = 5.0
# A server's process has up to 2 s to end: with this it is gone 5 s after its removal, whoever was told.
OUT_OF_USE_SECONDS = 2.0
CLOSE_SECONDS = 1.5
SUMMARY_CHARACTERS = 1000
# A look that belongs to no user: a server that keeps users apart must not mix it with one.
NOBODY = 0
_OF_CONNECTION = {"mcp_unreachable", "mcp_disconnected", "mcp_protocol_error"}


def call(tool: McpTool, context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Call a tool; its progress is told to `context`, whose stop is told to the server.

    Raises `ToolError`: a code of `McpError`, or `tool_error` with what the tool said.
    """
    server = _server(tool.server_id, context)
    progress: list[tuple[float, str]] = []

    def take(done: float, total: float | None, message: str) -> None:
        progress[:] = [(percent(done, total) or 0, message)]

    place = (server, context.owner_id, context.session_id)
    asked = hub.call_tool(*place, tool.tool_name, arguments, progress=take)
    return _result(_asked(server, context, asked, progress))


def read_resource(row: McpServer, context: ToolContext, uri: str) -> ToolResult:
    """Read a resource. Raises `ToolError`: a code of `McpError`."""
    server = as_server(row)
    asked = hub.read_resource(server, context.owner_id, context.session_id, uri)
    found = _asked(server, context, asked)
    text = "\n".join(block.get("text", "") for block in found.content)
    data = {"content": [_without_data(block) for block in found.content]}
    return ToolResult(summary=text[:SUMMARY_CHARACTERS] or "It holds no text.", data=data)


def get_prompt(row: McpServer, context: ToolContext, name: str, arguments: Mapping[str, str]) -> ToolResult:
    """Have a prompt written. Raises `ToolError`: a code of `McpError`."""
    server = as_server(row)
    asked = hub.get_prompt(server, context.owner_id, context.session_id, name, arguments)
    written = _asked(server, context, asked)
    told = [{"role": message.role, "content": _without_data(message.content)} for message in written.messages]
    text = "\n\n".join(message.content.get("text", "") for message in written.messages)
    return ToolResult(summary=text[:SUMMARY_CHARACTERS], data={"messages": told, "text": text})


def _asked(
    server: Server,
    context: ToolContext,
    asked: Coroutine[Any, Any, T],
    progress: list[tuple[float, str]] | None = None,
) -> T:
    """Return a server's answer; the session is told of a connection that came or broke for it."""
    was_known = hub.is_connected(server, context.owner_id, context.session_id)
    try:
        answer = _waited_for(asked, context, progress if progress is not None else [])
    except McpError as error:
        if error.code in _OF_CONNECTION:
            telling.record_in(context.session_id, server.id, {"code": error.code, "message": error.message})
        raise ToolError(error.code, error.message) from error
    if not was_known:
        telling.record_in(context.session_id, server.id)
    return answer


def look_at(server_id: UUID) -> None:
    """Connect to a server for what it offers, or let go of one that is out of use; failures are reported."""
    row = McpServer.objects.filter(pk=server_id).first()
    if why := out_of_use([server_id]).get(server_id):
        on_the_shared_loop(hub.close_server(server_id, why)).result()
    elif row is not None and not health.is_paused(row, timezone.now()):
        on_the_shared_loop(_look_at(as_server(row), row.owner_id or NOBODY)).result()


def start() -> None:
    """Begin to look after the connections; called once by the chat worker."""
    on_the_shared_loop(_keep_house())
    on_the_shared_loop(_let_go())


def end() -> None:
    """Close all connections, patiently for a moment."""
    try:
        on_the_shared_loop(hub.close()).result(CLOSE_SECONDS)
    except TimeoutError:
        logger.warning("not all MCP servers ended in time")


def _server(server_id: UUID, context: ToolContext) -> Server:
    row = McpServer.objects.filter(pk=server_id, enabled=True).first()
    if row is None:
        raise Refusal("unknown_tool", "The server of this tool is not there any more.", status=404)
    health.check_usable(row)
    return as_server(row)


def _waited_for(asked: Coroutine[Any, Any, T], context: ToolContext, progress: list[tuple[float, str]]) -> T:
    future = asyncio.run_coroutine_threadsafe(asked, shared_loop())
    heard = Heard(context)
    try:
        while not future.done():
            if progress:
                told = progress.pop()
                context.progress(*told)
                heard.take(*told)
            context.check()
            try:
                future.exception(LOOK_SECONDS)
            except TimeoutError:
                continue
        return future.result()
    except McpError:
        heard.keep()
        raise
    finally:
        future.cancel()


def _result(answer: CallResult) -> ToolResult:
    text = answer.text or _what_else(answer)
    if answer.is_error:
        raise ToolError("tool_error", text[:SUMMARY_CHARACTERS] or "The tool failed and did not say why.")
    data: dict[str, Any] = {"content": [_without_data(block) for block in answer.content]}
    if answer.structured is not None:
        data["structured"] = answer.structured
    return ToolResult(summary=text[:SUMMARY_CHARACTERS], data=data)


def _without_data(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "data"}


def _what_else(answer: CallResult) -> str:
    kinds = [f"{block['type']} {block.get('mime_type') or block.get('uri', '')}" for block in answer.content]
    return ", ".join(kind.strip() for kind in kinds)


async def _look_at(server: Server, owner_id: int) -> None:
    session_id = uuid4()
    try:
        await hub.catalogue(server, owner_id, session_id)
    except McpError as error:  # reported already
        logger.info("MCP server %s: %s", server.name, error)
    finally:
        await hub.close_session(session_id)


async def _keep_house() -> None:
    """Close what is idle, and look at servers that nobody has looked at or that are due again."""
    while True:
        try:
            await hub.close_idle()
            for row in await in_a_thread(_due):
                await _look_at(as_server(row), row.owner_id or NOBODY)
        except Exception:  # the database may be away: the next round finds it back
            logger.exception("the connections to MCP servers could not be looked after")
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def _let_go() -> None:
    """Close connections to servers that were taken out of use.

    `look_at` does so at once, but one chat worker alone is told, its threads may all be busy, and nobody is
    told of servers that go with their owner.
    """
    while True:
        try:
            if known := hub.server_ids():
                gone = await in_a_thread(partial(out_of_use, known))
                await asyncio.gather(*(hub.close_server(server_id, why) for server_id, why in gone.items()))
        except Exception:  # the database may be away: the next round finds it back
            logger.exception("which MCP servers are out of use could not be looked up")
        await asyncio.sleep(OUT_OF_USE_SECONDS)


def _due() -> list[McpServer]:
    return list(McpServer.objects.to_be_looked_at(timezone.now()))


def _report(server: Server, report: Report) -> None:
    """Store what the hub tells; it comes on the loop, which must not wait."""
    in_a_thread(lambda: health.take(server, report))


hub = Hub(report=_report)
calling.connect(cast(calling.Connections, sys.modules[__name__]))
