"""Clients that follow by websocket: one that just reads, one that comes and goes, one that reads slowly."""

import asyncio
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from tests.chaos_feed.clients import Client

LONGEST_STAY_SECONDS = 3.0
SMALL_BUFFER_BYTES = 4096
# The kernel sizes the buffer at the sender by this: with what is usual here it would hold a whole burst.
SMALL_SEGMENT_BYTES = 536
LONGEST_READING_SECONDS = 1.0
PAUSE_SECONDS = (2.0, 8.0)


class PlainFollower(Client):
    """Reads on and comes again after any cut."""

    async def follow(self, url: str) -> None:
        """Read one connection to its end."""
        async with self.connected(url) as feed:
            await self.read(feed)

    def connected(self, url: str, **options: Any) -> connect:
        """Return a connection that goes on after the last seq."""
        address = f"{url.replace('http', 'ws', 1)}/ws/sessions/{self.seat.session}/"
        return connect(
            f"{address}?after={self.recorder.begin()}",
            additional_headers=self.seat.headers,
            compression=None,
            proxy=None,
            close_timeout=1,
            **options,
        )

    async def read(self, feed: ClientConnection) -> None:
        """Take frames until the connection ends, which is told by an exception."""
        while True:
            self.take(await feed.recv())


class RestlessFollower(PlainFollower):
    """Leaves at a random moment, in mid-replay or later, with or without a good-bye, and comes again."""

    async def follow(self, url: str) -> None:
        """Read for a while, or to the end once it is calm."""
        async with self.connected(url) as feed:
            stay = None if self.calm.is_set() else self.chance.uniform(0, LONGEST_STAY_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(stay):
                    await self.read(feed)
            if self.chance.random() < 0.5:
                feed.transport.abort()


class SlowFollower(PlainFollower):
    """Stops reading for seconds, with small buffers: what is sent meanwhile piles up at the server."""

    async def follow(self, url: str) -> None:
        """Read and pause in turn, or just read once it is calm."""
        async with self.connected(url, sock=await _narrow_socket(url), max_queue=1) as feed:
            while True:
                reading = None if self.calm.is_set() else self.chance.uniform(0.1, LONGEST_READING_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(reading):
                        await self.read(feed)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.chance.uniform(*PAUSE_SECONDS)):
                        await self.calm.wait()


async def _narrow_socket(url: str) -> socket.socket:
    """Return a connected socket that holds little."""
    parts = urlsplit(url)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    narrow.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT_BYTES)
    narrow.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(narrow, (parts.hostname, parts.port))
    except BaseException:
        narrow.close()
        raise
    return narrow
