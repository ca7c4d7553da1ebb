"""Servers over Streamable HTTP: the SDK's own, and ones that misbehave."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Connected, Failed, Report
from tests.mcp.conftest import HttpServer, http, until

TOOL = {"name": "act", "description": "Acts.", "inputSchema": {"type": "object"}}


class RawServer:
    """Speaks the protocol of 2025-11-25; calls are answered as scripted."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.sessions = {"first"}
        self.forgotten = (404, b"gone", "text/plain")
        self.call: Callable[[BaseHTTPRequestHandler, dict[str, Any]], None] = self.say
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.received.append(("POST", dict(self.headers), body))
                server.handle(self, body)

            def do_GET(self) -> None:
                server.received.append(("GET", dict(self.headers), {}))
                server.reply(self, b"", status=405)

            def do_DELETE(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/mcp"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def handle(self, handler: BaseHTTPRequestHandler, message: dict[str, Any]) -> None:
        """Answer a message."""
        if message.get("method") == "initialize":
            about = {"name": "raw", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": about}
            self.answer(handler, message, result, session=next(iter(self.sessions)))
        elif message.get("method") == "server/discover":
            self.reply(handler, b"no", status=400, kind="text/plain")
        elif handler.headers.get("mcp-session-id") not in self.sessions:
            self.reply(handler, self.forgotten[1], status=self.forgotten[0], kind=self.forgotten[2])
        elif message.get("method") == "tools/list":
            self.answer(handler, message, {"tools": [TOOL]})
        elif message.get("method") == "tools/call":
            self.call(handler, message)
        else:
            self.reply(handler, b"", status=202)

    def say(self, handler: BaseHTTPRequestHandler, message: dict[str, Any]) -> None:
        """Answer a call with a text."""
        self.answer(handler, message, {"content": [{"type": "text", "text": "said"}]})

    def answer(
        self, handler: BaseHTTPRequestHandler, message: dict[str, Any], result: Any, session: str = ""
    ) -> None:
        """Answer with JSON-RPC."""
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        self.reply(handler, body, session=session)

    def reply(
        self,
        handler: BaseHTTPRequestHandler,
        body: bytes,
        *,
        status: int = 200,
        kind: str = "application/json",
        session: str = "",
        encoding: str = "",
    ) -> None:
        """Answer with HTTP."""
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        if session:
            handler.send_header("Mcp-Session-Id", session)
        if encoding:
            handler.send_header("Content-Encoding", encoding)
        handler.end_headers()
        handler.wfile.write(body)

    def hang(self, _handler: BaseHTTPRequestHandler, _message: dict[str, Any]) -> None:
        """Do not answer until the test is over."""
        self.over.wait(10)

    def vanish(self, handler: BaseHTTPRequestHandler, _message: dict[str, Any]) -> None:
        """Begin an answer that could be taken up again, and be gone before that."""
        self._server.shutdown()
        self._server.server_close()
        handler.close_connection = True
        self.reply(handler, b"id: 1\nretry: 10\ndata:\n\n", kind="text/event-stream")

    def methods(self) -> list[str]:
        """The methods of all messages that came."""
        return [body["method"] for _, _, body in self.received if "method" in body]

    def stop(self) -> None:
        """End it."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def raw() -> Iterator[RawServer]:
    """A server that misbehaves as told."""
    running = RawServer()
    yield running
    running.stop()


async def test_calls_progress_and_cancelling_work_without_state(hub: Hub, http_server: HttpServer) -> None:
    server = http(http_server.url)
    assert (await hub.catalogue(server, 1, 2)).protocol_version == "2026-07-28"
    told: list[tuple[float, float | None, str]] = []
    answer = await hub.call_tool(
        server, 1, 2, "steps", {"count": 3}, progress=lambda *progress: told.append(progress)
    )
    assert answer.text == "done"
    assert told == [(1.0, 3.0, "step 1"), (2.0, 3.0, "step 2"), (3.0, 3.0, "step 3")]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await hub.call_tool(server, 1, 2, "wait", {"seconds": 60})
    async with asyncio.timeout(5):
        while (await hub.call_tool(server, 1, 2, "cancellations", {})).structured != {"result": 1}:
            await asyncio.sleep(0.05)


async def test_server_killed_in_mid_call_is_told_and_used_again_when_it_is_back(
    hub: Hub, http_server: HttpServer, reports: list[Report]
) -> None:
    server = http(http_server.url)
    started = asyncio.Event()
    call = asyncio.create_task(
        hub.call_tool(server, 1, 2, "steps", {"count": 999}, progress=lambda *_: started.set())
    )
    async with asyncio.timeout(20):
        await started.wait()
    http_server.kill()
    with pytest.raises(McpError) as lost:
        await call
    assert lost.value.code == "mcp_disconnected"
    with pytest.raises(McpError) as away:
        await hub.call_tool(server, 1, 2, "add", {"first": 1, "second": 2})
    assert away.value.code == "mcp_unreachable"
    http_server.start()
    assert (await hub.call_tool(server, 1, 2, "add", {"first": 1, "second": 2})).text == "3"
    assert [type(report) for report in reports] == [Connected, Failed, Connected]


async def test_call_that_needs_an_answer_of_the_user_says_so(hub: Hub, http_server: HttpServer) -> None:
    with pytest.raises(McpError) as error:
        await hub.call_tool(http(http_server.url), 1, 2, "ask", {})
    assert error.value.code == "mcp_elicitation_unsupported"


async def test_nobody_listens(hub: Hub) -> None:
    with pytest.raises(McpError, match=r"127\.0\.0\.1 cannot be reached") as error:
        await hub.catalogue(http("http://127.0.0.1:1/mcp"), 1, 2)
    assert error.value.code == "mcp_unreachable"


async def test_old_protocol_is_spoken_with_headers_of_the_server(hub: Hub, raw: RawServer) -> None:
    server = http(raw.url, headers={"Authorization": "Bearer secret"})
    assert (await hub.call_tool(server, 1, 2, "act", {})).text == "said"
    assert (await hub.catalogue(server, 1, 2)).protocol_version == "2025-11-25"
    assert {headers["Authorization"] for _, headers, _ in raw.received} == {"Bearer secret"}


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"gone", "text/plain"),
        (400, b'{"error": {"code": -32000, "message": "No valid session ID"}}', "application/json"),
    ],
)
async def test_session_that_the_server_forgot_is_opened_anew_for_the_call(
    hub: Hub, raw: RawServer, answer: tuple[int, bytes, str]
) -> None:
    raw.forgotten = answer
    server = http(raw.url)
    await hub.call_tool(server, 1, 2, "act", {})
    raw.sessions = {"second"}
    assert (await hub.call_tool(server, 1, 2, "act", {})).text == "said"
    assert raw.methods().count("initialize") == 2


async def test_cancelling_posts_the_notification_to_who_speaks_the_old_protocol(
    hub: Hub, raw: RawServer
) -> None:
    raw.call = raw.hang
    call = asyncio.create_task(hub.call_tool(http(raw.url), 1, 2, "act", {}))
    await until(lambda: "tools/call" in raw.methods())
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: "notifications/cancelled" in raw.methods())
    raw.call = raw.say
    assert (await hub.call_tool(http(raw.url), 1, 2, "act", {})).text == "said"


async def test_call_whose_answer_cannot_be_taken_up_again_is_lost_and_not_sent_again(
    hub: Hub, raw: RawServer
) -> None:
    raw.call = raw.vanish
    with pytest.raises(McpError) as error:
        await hub.call_tool(http(raw.url), 1, 2, "act", {})
    assert error.value.code == "mcp_disconnected"
    assert raw.methods().count("tools/call") == 1


async def test_wrong_token_is_told(hub: Hub, raw: RawServer) -> None:
    raw.call = lambda handler, _message: raw.reply(handler, b"no", status=401, kind="text/plain")
    with pytest.raises(McpError, match="HTTP 401: check its token") as error:
        await hub.call_tool(http(raw.url), 1, 2, "act", {})
    assert error.value.code == "mcp_refused"


def drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.close()


ANSWERS: dict[str, tuple[str, Callable[[RawServer], Callable[[Any, Any], None]]]] = {
    "too much": ("mcp_too_large", lambda raw: lambda handler, _: raw.reply(handler, b"[" * 9_000_000)),
    "too long an event": (
        "mcp_too_large",
        lambda raw: (
            lambda handler, _: raw.reply(handler, b"data: " + b"x" * 9_000_000, kind="text/event-stream")
        ),
    ),
    "no JSON": ("mcp_protocol_error", lambda raw: lambda handler, _: raw.reply(handler, b"{no")),
    "a page": ("mcp_refused", lambda raw: lambda handler, _: raw.reply(handler, b"<p>", kind="text/html")),
    "compressed": (
        "mcp_protocol_error",
        lambda raw: lambda handler, _: raw.reply(handler, b"\x1f\x8b", encoding="gzip"),
    ),
    "a stream that ends": (
        "mcp_disconnected",
        lambda raw: lambda handler, _: raw.reply(handler, b": hello\n\n", kind="text/event-stream"),
    ),
    "an error": ("mcp_refused", lambda raw: lambda handler, _: raw.reply(handler, b"", status=500)),
    "nothing": ("mcp_disconnected", lambda raw: lambda handler, _: drop(handler)),
    "another id": (
        "mcp_protocol_error",
        lambda raw: lambda handler, message: raw.say(handler, {**message, "id": 4711}),
    ),
    "another type": (
        "mcp_protocol_error",
        lambda raw: lambda handler, message: raw.answer(handler, message, {"content": 7}),
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_wrong_answer_is_an_error_of_its_call_only(hub: Hub, raw: RawServer, what: str) -> None:
    code, answer = ANSWERS[what]
    raw.call = answer(raw)
    server = http(raw.url, idle_timeout_seconds=10)
    with pytest.raises(McpError) as error:
        await hub.call_tool(server, 1, 2, "act", {})
    assert error.value.code == code
    raw.call = raw.say
    assert (await hub.call_tool(server, 1, 2, "act", {})).text == "said"


async def test_server_that_hangs_at_connect_and_at_close_holds_nobody(hub: Hub, raw: RawServer) -> None:
    server = http(raw.url, connect_timeout_seconds=0.5)
    await hub.call_tool(server, 1, 2, "act", {})
    raw.handle = raw.hang  # type: ignore[method-assign,assignment]
    began = time.monotonic()
    with pytest.raises(McpError, match=r"did not answer within 0\.5 s"):
        await hub.catalogue(http(raw.url, connect_timeout_seconds=0.5), 1, 2)
    await hub.close()
    assert time.monotonic() - began < 4
