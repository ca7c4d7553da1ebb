"""One websocket: it keeps what arrives with the moment of its arrival, and looks into it later."""

import asyncio
import base64
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.fanout.frames import CLOSE, PING, PONG, TEXT, FrameReader, close_code, masked

READY = b'"feed.ready"'
NO_MARK = b"\xff"
END_OF_HEAD = b"\r\n\r\n"
ABNORMAL = 1006


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where a server's websockets are opened."""

    port: int
    path: str
    token: str

    def request(self) -> bytes:
        """Return the handshake of a new socket."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Token {self.token}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        )
        return "\r\n".join(lines).encode() + END_OF_HEAD


class Client(asyncio.Protocol):
    """A socket. `ready` is done when the feed is; `on_news(moment, ends)` is called for each piece that
    arrives, and whether it has `mark` in it for the first time, which ends a phase."""

    mark = NO_MARK

    def __init__(self, door: Door, on_news: Callable[[int, int], None]) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.frames: list[tuple[int, bytes]] = []
        self.transport: Any = None
        self._door = door
        self._on_news = on_news
        self._head: bytes | None = b""
        self._waits = True
        self._reader = FrameReader()

    def connection_made(self, transport: Any) -> None:
        """Ask for a websocket."""
        self.transport = transport
        transport.write(self._door.request())

    def data_received(self, data: bytes) -> None:
        """Keep texts, answer pings."""
        moment = time.monotonic_ns()
        if self._head is not None:
            data = self._after_head(data)
        ends = 0
        for opcode, payload in self._reader.feed(data):
            if opcode == TEXT:
                self.frames.append((moment, payload))
                if self.mark in payload:
                    ends, self.mark = ends + 1, NO_MARK
            else:
                self._answer(opcode, payload)
        if self._waits and any(READY in payload for _, payload in self.frames):
            self._waits = False
            self.ready.set_result(None)
        self._on_news(moment, ends)

    def connection_lost(self, error: Exception | None) -> None:
        """Note that it is over; without a close frame that is abnormal."""
        self._end(ABNORMAL)

    def _after_head(self, data: bytes) -> bytes:
        assert self._head is not None
        head, end, rest = (self._head + data).partition(END_OF_HEAD)
        if not end:
            self._head = head
            return b""
        self._head = None
        if not head.startswith(b"HTTP/1.1 101 "):
            self.transport.abort()
        return rest

    def _answer(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.transport.write(masked(PONG, payload))
        elif opcode == CLOSE:
            self._end(close_code(payload))
            self.transport.write(masked(CLOSE, payload[:2]))
            self.transport.close()

    def _end(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)
        if not self.ready.done():
            self.ready.set_exception(
                ConnectionError(f"the server closed a socket with {self.closed.result()}")
            )
