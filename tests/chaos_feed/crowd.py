"""All clients of a run, on an event loop in a thread of its own."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.chaos_feed.clients import Client, Seat
from tests.chaos_feed.evidence import PLAIN, RESTLESS, SLOW, SSE, WAITING, Journal
from tests.chaos_feed.requests import StreamReader, WaitingClient
from tests.chaos_feed.sockets import PlainFollower, RestlessFollower, SlowFollower

MANNERS: dict[str, type[Client]] = {
    PLAIN: PlainFollower,
    RESTLESS: RestlessFollower,
    SLOW: SlowFollower,
    WAITING: WaitingClient,
    SSE: StreamReader,
}
# How many of each kind, of all kinds' sum; at least one.
WEIGHTS = {PLAIN: 10, RESTLESS: 7, SLOW: 4, WAITING: 5, SSE: 4}
FRESH_SECONDS = 0.3
STOP_SECONDS = 10.0
TICK_SECONDS = 0.02


def cast(count: int, kinds: Sequence[str]) -> list[str]:
    """Return the kinds of `count` clients, by weight, most of one kind next to each other."""
    whole = sum(WEIGHTS[kind] for kind in kinds)
    exact = {kind: count * WEIGHTS[kind] / whole for kind in kinds}
    amounts = Counter({kind: max(1, int(share)) for kind, share in exact.items()})
    while amounts.total() < count:
        amounts[max(kinds, key=lambda kind: exact[kind] - amounts[kind])] += 1
    return [kind for kind in kinds for _ in range(amounts[kind])][:count]


class Crowd:
    """The clients. `start` them, and `stop` them before the journals are read."""

    def __init__(self, seats: Sequence[Seat], kinds: Sequence[str], chance: random.Random) -> None:
        self.problems: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._calm = asyncio.Event()
        self._clients = [
            self._client(f"{kind}-{number}", kind, seats[number % len(seats)], chance)
            for number, kind in enumerate(kinds)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def journals(self) -> list[Journal]:
        """What the clients were handed."""
        return [client.recorder.journal for client in self._clients]

    def start(self) -> None:
        """Let the clients come."""
        self._thread.start()

    def calm(self) -> None:
        """Have the clients do nothing but read."""
        self._loop.call_soon_threadsafe(self._calm.set)

    def flows(self) -> bool:
        """Whether every plain follower heard of an event just now."""
        oldest = time.monotonic() - FRESH_SECONDS
        plain = (client for client in self._clients if client.recorder.journal.kind == PLAIN)
        return all(client.recorder.heard_at > oldest for client in plain)

    def settle(self, last_seqs: Mapping[str, int], seconds: float) -> float:
        """Wait until every client has its session's last event; return the seconds that it took, or `inf`."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            if all(client.recorder.last_seq >= last_seqs[client.seat.session] for client in self._clients):
                return time.monotonic() - began
            time.sleep(TICK_SECONDS)
        return float("inf")

    def stop(self) -> None:
        """Send the clients away."""
        for task in self._tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        self._thread.join(STOP_SECONDS)

    def _client(self, name: str, kind: str, seat: Seat, chance: random.Random) -> Client:
        journal = Journal(name=name, kind=kind, session=seat.session)
        return MANNERS[kind](seat, journal, random.Random(chance.random()), self._calm)

    def _run(self) -> None:
        self._loop.run_until_complete(self._gather())
        self._loop.close()

    async def _gather(self) -> None:
        self._tasks = [asyncio.create_task(client.run()) for client in self._clients]
        for client, ended in zip(
            self._clients, await asyncio.gather(*self._tasks, return_exceptions=True), strict=True
        ):
            if not isinstance(ended, asyncio.CancelledError):
                self.problems.append(f"client {client.recorder.journal.name}: {ended!r}")
