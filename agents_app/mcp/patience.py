"""How long a call may take: in all, and without telling progress."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agents_app.mcp.errors import McpError
from agents_app.mcp.plainly import MESSAGE_CHARACTERS, line, number
from agents_app.mcp.server import Server

log = logging.getLogger(__name__)

# Told (how far, of how much in all if the server says so, what is being done); must not block.
Progress = Callable[[float, float | None, str], None]


class Watch:
    """Takes the progress of one call."""

    def __init__(
        self, idle_seconds: float, scope: asyncio.Timeout, ends_at: float, tell: Progress | None
    ) -> None:
        self._idle_seconds = idle_seconds
        self._scope = scope
        self._ends_at = ends_at
        self._tell = tell
        self._is_over = False

    async def progressed(self, progress: float, total: float | None, message: str | None) -> None:
        """Begin the idle time anew and hand the progress on."""
        if self._is_over or self._scope.expired():
            return
        now = asyncio.get_running_loop().time()
        self._scope.reschedule(min(now + self._idle_seconds, self._ends_at))
        if self._tell is not None and math.isfinite(progress):
            try:
                self._tell(progress, number(total), line(message, MESSAGE_CHARACTERS))
            except Exception:  # the SDK would swallow it without a word
                log.exception("Progress of a call was not taken")

    def end(self) -> None:
        """What arrives from now on is too late."""
        self._is_over = True


@asynccontextmanager
async def patience(server: Server, tell: Progress | None) -> AsyncIterator[Watch]:
    """Bound what happens inside; what takes too long is cancelled, and `McpError` says which bound it was."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + server.call_timeout_seconds
    first = min(loop.time() + server.idle_timeout_seconds, ends_at)
    watch = None
    try:
        async with asyncio.timeout_at(first) as scope:
            watch = Watch(server.idle_timeout_seconds, scope, ends_at, tell)
            try:
                yield watch
            finally:
                watch.end()
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise _exceeded(server, loop.time() >= ends_at) from error


def _exceeded(server: Server, in_all: bool) -> McpError:
    if in_all:
        seconds = server.call_timeout_seconds
        return McpError("mcp_timeout", f"The call took longer than {seconds:g} s and was given up.")
    seconds = server.idle_timeout_seconds
    return McpError("mcp_idle_timeout", f"The call told no progress for {seconds:g} s and was given up.")
