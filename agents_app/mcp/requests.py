"""The requests that are sent, each with what its answer is made into.

They go past `Client.call_tool` to the session: the client checks answers against the server's own schema, in
which one hostile regular expression would hold the loop and so all turns.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from mcp import MCPError, types
from mcp.client import ClientSession
from mcp.shared.dispatcher import ProgressFnT
from pydantic import TypeAdapter

from agents_app.mcp import exchange, failures, plainly
from agents_app.mcp.connection import Send
from agents_app.mcp.errors import McpError
from agents_app.mcp.results import CallResult, PromptMessages, ResourceContents
from sessions_app import plain

_Called: TypeAdapter[Any] = TypeAdapter(types.CallToolResult | types.InputRequiredResult)
_Read: TypeAdapter[Any] = TypeAdapter(types.ReadResourceResult | types.InputRequiredResult)
_Got: TypeAdapter[Any] = TypeAdapter(types.GetPromptResult | types.InputRequiredResult)

ARGUMENT_BYTES = 4 * 1024 * 1024
# A server may ask to come again, with what it gives to bring along: that is how it says that it needs longer.
MAX_ROUNDS = 50
ROUND_PAUSE_SECONDS = 0.25
_RELIST_PAGES = 20

Make = Callable[[str | None], types.Request[Any, Any]]


def call_tool(name: str, arguments: Mapping[str, Any]) -> Send[CallResult]:
    """Return the sending of a tool call. Raises `McpError` for arguments that are not JSON."""
    sent = _sendable(arguments)

    def make(state: str | None) -> types.Request[Any, Any]:
        params = types.CallToolRequestParams(name=plain.text(name), arguments=sent, request_state=state)
        return types.CallToolRequest(params=params)

    async def send(session: ClientSession, progress: ProgressFnT) -> CallResult:
        try:
            answer = await _rounds(session, make, _Called, progress)
        except MCPError as error:
            if error.code != types.HEADER_MISMATCH:
                raise
            # Which arguments the server wants in headers has changed; it did not take the call.
            await _list_again(session)
            answer = await _rounds(session, make, _Called, progress)
        return plainly.call_result(answer)

    return send


def read_resource(uri: str) -> Send[ResourceContents]:
    """Return the reading of a resource."""

    def make(state: str | None) -> types.Request[Any, Any]:
        params = types.ReadResourceRequestParams(uri=plain.text(uri), request_state=state)
        return types.ReadResourceRequest(params=params)

    async def send(session: ClientSession, progress: ProgressFnT) -> ResourceContents:
        return plainly.resource_contents(await _rounds(session, make, _Read, progress))

    return send


def get_prompt(name: str, arguments: Mapping[str, str]) -> Send[PromptMessages]:
    """Return the asking for a prompt."""
    sent = _sendable(arguments)

    def make(state: str | None) -> types.Request[Any, Any]:
        params = types.GetPromptRequestParams(name=plain.text(name), arguments=sent, request_state=state)
        return types.GetPromptRequest(params=params)

    async def send(session: ClientSession, progress: ProgressFnT) -> PromptMessages:
        return plainly.prompt_messages(await _rounds(session, make, _Got, progress))

    return send


def _sendable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments that can be written as JSON: what cannot would end the SDK's connection."""
    cleaned: dict[str, Any] = plain.cleaned(dict(arguments))
    try:
        size = plain.json_bytes(cleaned)
    except ValueError as error:
        raise McpError("mcp_refused", "The arguments are not plain JSON.") from error
    if size > ARGUMENT_BYTES:
        raise McpError("mcp_too_large", f"The arguments are larger than {ARGUMENT_BYTES} bytes.")
    return cleaned


async def _rounds(
    session: ClientSession, make: Make, adapter: TypeAdapter[Any], progress: ProgressFnT
) -> Any:
    """Send, and come again as the server asks; a server that wants to know something is refused."""
    state: str | None = None
    for _ in range(MAX_ROUNDS):
        try:
            answer = await session.send_request(make(state), adapter, progress_callback=progress)
        except MCPError:
            if state is not None:
                exchange.current().unsent = False  # the server has had the call before, if not this time
            raise
        if not isinstance(answer, types.InputRequiredResult):
            return answer
        if answer.input_requests:
            raise failures.needs_input()
        state = answer.request_state
        await asyncio.sleep(ROUND_PAUSE_SECONDS)
    raise McpError("mcp_protocol_error", "The server has the same call sent again and again.")


async def _list_again(session: ClientSession) -> None:
    cursor: str | None = None
    for _ in range(_RELIST_PAGES):
        page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
        cursor = page.next_cursor
        if cursor is None:
            return
