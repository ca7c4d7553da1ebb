"""The clients of a run: each follows one session in its own manner, whatever is done to the server."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.chaos_feed.evidence import Journal
from tests.chaos_feed.recorder import Recorder
from tests.chaos_feed.verdict import CUT, REFUSED, UNANSWERED

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 1.0


class Answered(Exception):
    """The server answered something else than the feed; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Where a client sits: the web processes' addresses, the session, its owner's token."""

    urls: Sequence[str]
    session: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        return {"Authorization": f"Token {self.token}"}


class Backoff:
    """How long to wait before the next try: 50 ms doubling to 1 s, each with jitter."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._delay = FIRST_DELAY_SECONDS

    def reset(self) -> None:
        """Begin with the shortest wait again: the feed was there."""
        self._delay = FIRST_DELAY_SECONDS

    def next_seconds(self) -> float:
        """Return the next wait."""
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY_SECONDS)
        return delay * self._chance.uniform(0.5, 1.0)


class Client(ABC):
    """Follows for ever: `follow` is one connection, after which the client comes again with its last seq.

    `calm` is set when the client shall do no more harm and just read on.
    """

    def __init__(self, seat: Seat, journal: Journal, chance: random.Random, calm: asyncio.Event) -> None:
        self.recorder = Recorder(journal)
        self.seat, self.chance, self.calm = seat, chance, calm
        self.backoff = Backoff(chance)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self.follow(self.chance.choice(self.seat.urls))
            except (Answered, OSError, ConnectionClosed, InvalidHandshake, httpx.TransportError) as error:
                self.recorder.end(end_of(error))
            self.recorder.journal.reconnects += 1
            await asyncio.sleep(self.backoff.next_seconds())

    @abstractmethod
    async def follow(self, url: str) -> None:
        """Connect to the web process at `url` and read; returns when the client itself has had enough."""

    def take(self, frame: str | bytes) -> None:
        """Note what a frame brought."""
        self.recorder.take_all(frame)
        self.backoff.reset()


def end_of(error: Exception) -> str:
    """Return how a connection ended: a close code, an HTTP status, or that it was just cut or refused."""
    if isinstance(error, ConnectionClosed):
        return _close_code(error)
    if isinstance(error, InvalidStatus):
        return f"http {error.response.status_code}"
    if isinstance(error, Answered):
        return str(error)
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return "timeout"
    return REFUSED if isinstance(error, (ConnectionRefusedError, httpx.ConnectError)) else CUT


def _close_code(error: ConnectionClosed) -> str:
    if error.rcvd is None:
        return CUT
    # The code of this is that of a server that failed.
    return UNANSWERED if "ping timeout" in error.rcvd.reason else str(error.rcvd.code)
