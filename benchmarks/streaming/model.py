"""python -m benchmarks.streaming.model: a model that speaks OpenAI's API at a steady rate.

It prints its port and serves until it is ended. The first token of an answer comes `FIRST_TOKEN_SECONDS`
after its request was read, the others at `TOKENS_A_SECOND`, each at its own moment: one that was late makes
no other late. `Say 60 words.` is answered with so many tokens, anything else (a request for a title) with
three.
"""

import asyncio
import json
import re
import socket
from typing import Any

FIRST_TOKEN_SECONDS = 0.05
TOKENS_A_SECOND = 50
TOKEN = "word "  # of a model, not of a user
TITLE_TOKENS = 3
_WISH = re.compile(r"Say (\d+) words\.")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def wish(tokens: int) -> str:
    """Return the message that is answered with so many tokens."""
    return f"Say {tokens} words."


class Speaker(asyncio.Protocol):
    """A connection, which is kept: one answer after the other."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Send each token as it comes."""
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self._received += data
        head, found, body = self._received.partition(_END_OF_HEAD)
        length = _LENGTH.search(head)
        missing = int(length[1]) - len(body) if length else 0
        if found and missing <= 0:
            self._received = b""
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            listed = {"object": "list", "data": [_model("steady")]}
            self._write(_response(json.dumps(listed).encode()))
            return
        self._write(_HEAD)
        loop = asyncio.get_running_loop()
        tokens = _wanted(json.loads(body))
        begin = loop.time() + FIRST_TOKEN_SECONDS
        for number in range(tokens):
            loop.call_at(begin + number / TOKENS_A_SECOND, self._write, _chunk(_event({"content": TOKEN})))
        last = _chunk(_event({}, "stop", tokens) + b"data: [DONE]\n\n") + _chunk(b"")
        loop.call_at(begin + (tokens - 1) / TOKENS_A_SECOND + 0.0001, self._write, last)

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


def _wanted(request: dict[str, Any]) -> int:
    found = _WISH.fullmatch(str(request["messages"][-1]["content"]))
    return int(found[1]) if found else TITLE_TOKENS


def _event(delta: dict[str, Any], reason: str | None = None, tokens: int = 0) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": reason}
    event: dict[str, Any] = {**_model("1"), "object": "chat.completion.chunk", "choices": [choice]}
    event |= {"model": "steady"}
    if reason:
        event["usage"] = {
            "prompt_tokens": 1000,
            "completion_tokens": tokens,
            "total_tokens": 1000 + tokens,
        }
    return f"data: {json.dumps(event)}\n\n".encode()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1, "owned_by": "bench"}


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Speaker, "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
