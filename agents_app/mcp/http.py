"""The Streamable HTTP transport: the SDK's own, over a carrier that bounds what comes and notes what failed.

The SDK's transport ends all calls of a connection when one request meets a network error, and reads answers
of any length. The carrier turns errors into answers that concern their own request only.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import cast

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from agents_app.mcp import exchange
from agents_app.mcp.errors import McpError
from agents_app.mcp.public import PublicOnly
from agents_app.mcp.server import Server

SESSION = "mcp-session-id"
REFUSAL_BYTES = 64 * 1024
ANSWER_BYTES = 8 * 1024 * 1024
# A stream of events: a burst, and so much a second after it.
STREAM_BURST_BYTES = 32 * 1024 * 1024
STREAM_BYTES_A_SECOND = 4 * 1024 * 1024
# The SDK sends these one after the other, so one that hangs would hold all that follow.
# How long a server may take to begin its answer; the others are bounded by the patience of their call.
SECONDS = {"notification": 5.0, "goodbye": 2.0}
# A server that cuts its streams at once would be asked again without end.
STREAMS_BURST = 10
STREAMS_A_SECOND = 1.0


@asynccontextmanager
async def transport(server: Server, lost: Callable[[], None]) -> AsyncIterator[TransportStreams]:
    """Yield the streams of a connection; no request is sent yet. `lost` is called when its session may be."""
    timeout = httpx2.Timeout(server.connect_timeout_seconds, read=None)
    headers = {**server.headers, "Accept-Encoding": "identity"}
    carrier = Carrier(await asyncio.to_thread(_trust), lost, public_only=server.public_only)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, transport=carrier) as client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=ANSWER_BYTES) as streams,
    ):
        yield streams


@cache
def _trust() -> ssl.SSLContext:
    """Whom to trust, read once: it takes over 100 ms, which the loop should not stand still for."""
    return httpx2.create_ssl_context()


class TooLarge(httpx2.StreamError):
    """An answer is larger than what is accepted."""


class Carrier(httpx2.AsyncBaseTransport):
    """Carries requests; never raises for a network error."""

    def __init__(self, trust: ssl.SSLContext, lost: Callable[[], None], *, public_only: bool) -> None:
        self._lost = lost
        network = httpx2.AsyncHTTPTransport(verify=trust, retries=0)
        self._network: httpx2.AsyncBaseTransport = PublicOnly(network) if public_only else network
        self._streams = _Allowance(STREAMS_BURST, STREAMS_A_SECOND)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; what failed is noted in the exchange and answered with status 502."""
        noted = exchange.current()
        kind = _kind(request)
        noted.unsent, noted.failure = False, None
        if kind == "stream":
            await self._streams.wait()
        try:
            async with asyncio.timeout(SECONDS.get(kind)):
                response = await self._network.handle_async_request(request)
            if kind == "request" and SESSION in request.headers and response.status_code in (400, 404):
                response = await _refused(request, response, noted)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            # A stream takes up an answer: the request was sent before, whatever fails now.
            noted.unsent = kind == "request"
            noted.failure = _unreachable(request, error) if noted.unsent else _lost(error)
            if SESSION in request.headers:
                self._lost()  # who was away has probably forgotten the session
        except (httpx2.TransportError, OSError) as error:
            noted.failure = _lost(error)
        else:
            return _checked(response, noted)
        return httpx2.Response(502, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._network.aclose()


class _Allowance:
    """Lets so many through at once, then so many a second."""

    def __init__(self, burst: float, a_second: float) -> None:
        self._burst = burst
        self._a_second = a_second
        self._left = burst
        self._at = asyncio.get_running_loop().time()

    def take(self, amount: float) -> float:
        """Take `amount` and return how many seconds it came too early."""
        now = asyncio.get_running_loop().time()
        self._left = min(self._burst, self._left + (now - self._at) * self._a_second) - amount
        self._at = now
        return max(0.0, -self._left / self._a_second)

    async def wait(self) -> None:
        await asyncio.sleep(self.take(1))


def _kind(request: httpx2.Request) -> str:
    if request.method == "GET":
        return "stream"
    if request.method == "DELETE":
        return "goodbye"
    message = json.loads(request.content)
    return "request" if "id" in message and "method" in message else "notification"


def _unreachable(request: httpx2.Request, error: Exception) -> McpError:
    return McpError("mcp_unreachable", f"{request.url.host} cannot be reached: {error}.")


def _lost(error: Exception) -> McpError:
    return McpError("mcp_disconnected", f"The connection was lost during the call: {type(error).__name__}.")


async def _refused(
    request: httpx2.Request, response: httpx2.Response, noted: exchange.Exchange
) -> httpx2.Response:
    """Find out whether the server has forgotten the session: then it took nothing in it.

    The specification has status 404 for that, many servers answer 400 and say it in words.
    """
    body = b""
    async for chunk in cast(httpx2.AsyncByteStream, response.stream):
        body += chunk
        if len(body) > REFUSAL_BYTES:
            break
    await response.aclose()
    noted.unsent = response.status_code == 404 or b"session" in body.lower()
    headers = {"content-type": response.headers.get("content-type", "")}
    return httpx2.Response(response.status_code, headers=headers, content=body, request=request)


def _checked(response: httpx2.Response, noted: exchange.Exchange) -> httpx2.Response:
    media = response.headers.get("content-type", "").lower()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        noted.failure = McpError("mcp_protocol_error", "The server compresses what was asked for as it is.")
        response.status_code = 502
    status = response.status_code
    if not noted.unsent and (status in (401, 403) or (status >= 400 and "json" not in media)):
        noted.failure = noted.failure or _status_failure(status)
    is_stream = media.startswith("text/event-stream")
    response.stream = _Bounded(response.stream, noted, is_stream)
    return response


def _status_failure(status: int) -> McpError:
    if status in (401, 403):
        return McpError("mcp_refused", f"The server refused with HTTP {status}: check its token or headers.")
    return McpError("mcp_refused", f"The server answered with HTTP {status}.")


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error where it grows too large."""

    def __init__(self, body: object, noted: exchange.Exchange, is_stream: bool) -> None:
        self._body = cast(httpx2.AsyncByteStream, body)
        self._noted = noted
        self._allowance = _Allowance(
            STREAM_BURST_BYTES if is_stream else ANSWER_BYTES, STREAM_BYTES_A_SECOND if is_stream else 0.001
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            if self._allowance.take(len(chunk)) > 0:
                self._noted.failure = McpError("mcp_too_large", "The server sent more than is accepted.")
                raise TooLarge("larger than what is accepted")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()
