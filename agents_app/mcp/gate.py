"""What comes from a server passes here before the SDK sees it: who floods or lies loses the connection."""

import asyncio
import logging
from types import TracebackType
from typing import Any, Self

from mcp import types
from mcp.client import Transport
from mcp.client._transport import ReadStream, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage

from agents_app.mcp.errors import McpError

log = logging.getLogger(__name__)

# Messages that answer nothing (notifications, requests, answers that come twice): a burst is fine, a stream
# of them is not. Each costs the loop about 0.1 ms.
BURST = 10_000
A_SECOND = 1_000
# What has arrived is handed on without a pause, so others get their turn after so many.
AT_ONCE = 10


class Verdict:
    """Why a connection ends, told once: the first reason counts."""

    def __init__(self) -> None:
        self.reason: McpError | None = None
        self.ended = asyncio.Event()

    def end(self, reason: McpError | None = None) -> None:
        """The connection has ended, or has to."""
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()


class Gate:
    """A transport around a transport, as an async context manager."""

    def __init__(self, transport: Transport, verdict: Verdict) -> None:
        self._transport = transport
        self._verdict = verdict

    async def __aenter__(self) -> TransportStreams:
        read, write = await self._transport.__aenter__()
        asked = _Asked()
        return _Incoming(read, asked, self._verdict), _Outgoing(write, asked)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._transport.__aexit__(kind, error, trace)


class _Asked:
    """The ids of requests: open ones with their method, and all that were ever given (the SDK counts up)."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}
        self._last = 0
        self._named: set[str] = set()

    def note(self, request: types.JSONRPCRequest) -> None:
        self._open[str(request.id)] = request.method
        if isinstance(request.id, int):
            self._last = max(self._last, request.id)
        else:
            self._named.add(request.id)

    def settle(self, request_id: types.RequestId) -> str | None:
        """Return the method of the open request of this id, if there is one."""
        return self._open.pop(str(request_id), None)

    def was_given(self, request_id: types.RequestId) -> bool:
        text = str(request_id)
        return text in self._named or (text.isascii() and text.isdigit() and 0 < int(text) <= self._last)


class _Incoming:
    """The read stream, less what must not pass."""

    def __init__(
        self, stream: ReadStream[SessionMessage | Exception], asked: _Asked, verdict: Verdict
    ) -> None:
        self._stream = stream
        self._asked = asked
        self._verdict = verdict
        self._passed = 0
        self._credit = float(BURST)
        self._credited_at = asyncio.get_running_loop().time()

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            item = await self._stream.__anext__()
            self._check(item)
            self._passed += 1
            if self._passed % AT_ONCE == 0:
                await asyncio.sleep(0)
        except StopAsyncIteration:
            self._verdict.end()
            raise
        except McpError as error:
            self._verdict.end(error)
            raise StopAsyncIteration from error
        return item

    async def receive(self) -> SessionMessage | Exception:
        return await self.__anext__()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *details: Any) -> bool | None:
        return await self._stream.__aexit__(*details)

    def _check(self, item: SessionMessage | Exception) -> None:
        if isinstance(item, Exception):
            raise McpError("mcp_protocol_error", "The server sent something that is not MCP.")
        message = item.message
        if not isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            self._spend()
        elif message.id is not None:
            self._check_answer(message, message.id)

    def _check_answer(
        self, message: types.JSONRPCResponse | types.JSONRPCError, request_id: types.RequestId
    ) -> None:
        method = self._asked.settle(request_id)
        if method == "tools/list" and isinstance(message, types.JSONRPCResponse):
            _leave_out_misfits(message.result)
        elif method is None:
            if not self._asked.was_given(request_id):
                raise McpError("mcp_protocol_error", "The server answered a request that was never sent.")
            self._spend()

    def _spend(self) -> None:
        now = asyncio.get_running_loop().time()
        self._credit = min(self._credit + (now - self._credited_at) * A_SECOND, BURST) - 1
        self._credited_at = now
        if self._credit < 0:
            raise McpError("mcp_too_large", "The server sends notifications without end.")


def _leave_out_misfits(result: dict[str, Any]) -> None:
    """Take out of a list of tools what is no tool: the SDK refuses the whole list for one of them."""
    tools = result.get("tools")
    if not isinstance(tools, list):
        return
    result["tools"] = [tool for tool in tools if _may_be_a_tool(tool)]
    if left_out := len(tools) - len(result["tools"]):
        log.warning("An MCP server lists %d tools without a name or a schema of an object", left_out)


def _may_be_a_tool(told: Any) -> bool:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        return False
    schema = told.get("inputSchema")
    return isinstance(schema, dict) and schema.get("type") == "object"


class _Outgoing:
    """The write stream, which notes what is asked."""

    def __init__(self, stream: WriteStream[SessionMessage], asked: _Asked) -> None:
        self._stream = stream
        self._asked = asked

    async def send(self, item: SessionMessage, /) -> None:
        if isinstance(item.message, types.JSONRPCRequest):
            self._asked.note(item.message)
        await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *details: Any) -> bool | None:
        return await self._stream.__aexit__(*details)
