"""One socket of a feed."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sessions_app.feed.lines import Line, as_frame

BACKLOG_CHARACTERS = 1024 * 1024
"""How much a socket may lag behind before it is dropped, beside what its connection buffers (64 KiB)."""

STALLED_SECONDS = 30.0
"""How long one frame may take."""

Send = Callable[[str], Awaitable[None]]


class Subscriber:
    """Hands frames to one socket, in order; holds back what it does not take at once, up to a bound.

    `dropped` is set once it lags too far behind: nothing more is sent, and what was held is let go.
    """

    def __init__(self, seq: int, send: Send) -> None:
        self.seq = seq
        self.dropped = asyncio.Event()
        self._send = send
        self._backlog: deque[str] = deque()
        self._backlog_characters = 0
        self._sending: asyncio.Task[None] | None = None
        self._began = math.inf

    async def send(self, frame: str) -> None:
        """Send and wait until it is taken: for the replay, before the socket is attached to a topic.

        Raises `TimeoutError` if it is not taken within 30 s.
        """
        async with asyncio.timeout(STALLED_SECONDS):
            await self._send(frame)

    def offer(self, lines: list[Line], frame: str) -> None:
        """Send `frame`, which holds `lines`, but leave out what this socket was sent during its replay."""
        first = next((line.seq for line in lines if line.seq is not None), None)
        if first is not None and first <= self.seq:
            lines = [line for line in lines if line.seq is None or line.seq > self.seq]
            frame = as_frame(lines)
        if lines:
            self.seq = max([self.seq, *(line.seq for line in lines if line.seq is not None)])
            self.put(frame)

    def put(self, frame: str) -> None:
        """Send a frame behind those that wait."""
        if self.dropped.is_set():
            return
        self._backlog.append(frame)
        self._backlog_characters += len(frame)
        if self._sending is None:
            self._sending = asyncio.create_task(self._drain())
        elif self._backlog_characters > BACKLOG_CHARACTERS or self._is_stalled():
            self._drop()

    def _is_stalled(self) -> bool:
        return asyncio.get_running_loop().time() - self._began > STALLED_SECONDS

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._backlog:
                frame = self._backlog.popleft()
                self._backlog_characters -= len(frame)
                self._began = loop.time()
                await self._send(frame)
        except (OSError, RuntimeError):  # it is gone or closed, and its consumer is told so by another way
            self._drop()
        finally:
            self._sending = None

    def _drop(self) -> None:
        self.dropped.set()
        self._backlog.clear()
        self._backlog_characters = 0

    async def end(self) -> None:
        """Send nothing more, also of what is on its way."""
        self._drop()
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending
