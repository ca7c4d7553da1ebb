"""A process that counts what arrives on channels of Redis, and only looks for their beginnings."""

import multiprocessing
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import urlparse

MARK = b"$7\r\nmessage\r\n"
START_SECONDS = 10.0
QUIET_SECONDS = 2.0


class Listener:
    """Listens on `channels`; a context manager around its process."""

    def __init__(self, redis_url: str, channels: Sequence[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._channels = list(channels)
        self._counts: Any = context.Array("Q", len(channels), lock=False)
        self._ready = context.Event()
        self._process = context.Process(
            target=_listen, args=(redis_url, self._channels, self._counts, self._ready), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("the listener did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def wait_for(self, channel: str, count: int) -> None:
        """Return when as many messages have arrived on a channel, or 2 s after the last did."""
        missing, moment = self.missing(channel, count), time.monotonic()
        while missing and time.monotonic() - moment < QUIET_SECONDS:
            time.sleep(0.002)
            if (now := self.missing(channel, count)) != missing:
                missing, moment = now, time.monotonic()

    def missing(self, channel: str, count: int) -> int:
        """Return how many of so many messages have not arrived."""
        return count - int(self._counts[self._channels.index(channel)])


def _listen(redis_url: str, channels: list[str], counts: Any, ready: Any) -> None:
    place = urlparse(redis_url)
    with selectors.DefaultSelector() as selector:
        for number, channel in enumerate(channels):
            link = socket.create_connection((place.hostname or "", place.port or 0))
            link.sendall(f"SUBSCRIBE {channel}\r\n".encode())
            link.recv(4096)
            selector.register(link, selectors.EVENT_READ, [number, b""])
        ready.set()
        while True:
            for key, _ in selector.select():
                _take(key, counts)


def _take(key: selectors.SelectorKey, counts: Any) -> None:
    data = key.data[1] + key.fileobj.recv(1 << 18)  # type: ignore[union-attr]  # it is a socket
    counts[key.data[0]] += data.count(MARK)
    # A mark may be cut in two; the rest is too short to hold a whole one, which would count twice.
    key.data[1] = data[-len(MARK) + 1 :]
