"""One socket of a feed."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from types import coroutine
from typing import Any

from sessions_app.feed.lines import Frame

logger = logging.getLogger(__name__)

BACKLOG_CHARACTERS = 1024 * 1024
"""How much a socket may lag behind before it is dropped, beside what its connection buffers (64 KiB)."""

STALLED_SECONDS = 30.0
"""How long one frame may take."""

Send = Callable[[str], Coroutine[Any, None, None]]
GONE = (OSError, RuntimeError)
"""What sending raises once a socket is gone or closed; its consumer is told so by another way."""


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

    def offer(self, frame: Frame) -> None:
        """Send a topic's frame, but leave out what this socket was sent during its replay."""
        if frame.first is not None and frame.first <= self.seq:
            rest = frame.after(self.seq)
            if rest is None:
                return
            frame = rest
        if frame.last is not None:
            self.seq = frame.last
        self.put(frame.text)

    def put(self, text: str) -> None:
        """Send a frame's text behind those that wait."""
        if self._sending is None:
            self._begin(text)
        elif not self.dropped.is_set():
            self._backlog.append(text)
            self._backlog_characters += len(text)
            if self._backlog_characters > BACKLOG_CHARACTERS or self._is_stalled():
                self._drop()

    def _begin(self, text: str) -> None:
        """Send at once if the socket takes it at once: that saves a task for each frame."""
        if self.dropped.is_set():
            return
        sending = self._send(text)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except GONE:
            self._drop()
            return
        except Exception:  # it must not cost the sockets behind it this frame
            logger.exception("a frame could not be handed on")
            self._drop()
            return
        self._began = asyncio.get_running_loop().time()
        self._sending = asyncio.create_task(self._drain(sending, waits_for))

    def _is_stalled(self) -> bool:
        return asyncio.get_running_loop().time() - self._began > STALLED_SECONDS

    async def _drain(self, sending: Coroutine[Any, None, None], waits_for: Any) -> None:
        """Go on with a sending that waits, then send what came meanwhile."""
        try:
            await _rest_of(sending, waits_for)
            while self._backlog:
                text = self._backlog.popleft()
                self._backlog_characters -= len(text)
                self._began = asyncio.get_running_loop().time()
                await self._send(text)
        except GONE:
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


@coroutine
def _rest_of(begun: Coroutine[Any, None, None], waits_for: Any) -> Generator[Any, None, None]:
    """Await the rest of a coroutine that was begun by hand and now waits for a future of the loop."""
    try:
        yield waits_for
        yield from begun
    finally:
        begun.close()
