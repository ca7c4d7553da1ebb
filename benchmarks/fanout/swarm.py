"""Many clients of one server, in a process of their own that takes orders through a pipe."""

import asyncio
import gc
import multiprocessing
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Self

import uvloop

from benchmarks.fanout.client import Client, Door
from benchmarks.fanout.heard import Heard, Reckoning
from benchmarks.fanout.script import end_mark

OPENING_AT_ONCE = 25
OPEN_SECONDS = 60.0
QUIET_NS = 2_000_000_000
LOOK_SECONDS = 0.2
REPLY_SECONDS = 120.0


class Swarm:
    """`count` open sockets; a context manager around their process."""

    def __init__(self, door: Door, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, door, count), daemon=True)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open all sockets. Raises `OSError` if the server does not let them in."""
        self._process.start()
        self._reply()

    def close(self) -> None:
        """End the clients, who say no goodbye."""
        self._process.terminate()
        self._process.join()

    def listen(self, phase: int, events: int) -> None:
        """Have the clients hear events of `phase`; publish once this returns."""
        self._order("listen", phase, events)

    def heard(self) -> Heard:
        """Wait until all clients have the last event, or hear nothing any more; return what they have."""
        return self._order("heard")

    def stop_reading(self) -> None:
        """Have the clients read nothing more."""
        self._order("stop_reading")

    def read_to_the_end(self, seconds: float) -> int:
        """Have them read again; return the code that the first was closed with, 0 if it was not in time."""
        return self._order("read_to_the_end", seconds)

    def _order(self, name: str, *arguments: Any) -> Any:
        self._pipe.send((name, *arguments))
        return self._reply()

    def _reply(self) -> Any:
        if not self._pipe.poll(REPLY_SECONDS):
            raise TimeoutError("the clients do not answer")
        reply = self._pipe.recv()
        if isinstance(reply, Exception):
            raise reply
        return reply


def _run(pipe: Connection, door: Door, count: int) -> None:
    # What is kept holds no cycles, and a pause would look like a slow server.
    gc.disable()
    uvloop.run(_obey(pipe, door, count))


async def _obey(pipe: Connection, door: Door, count: int) -> None:
    clients = _Clients(door)
    try:
        await clients.open(count)
    except OSError as error:
        pipe.send(error)
        return
    pipe.send(None)
    while True:
        name, *arguments = await asyncio.to_thread(pipe.recv)
        pipe.send(await getattr(clients, name)(*arguments))


class _Clients:
    """The sockets in their own process; what is public are the orders."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._clients: list[Client] = []
        self._newest = 0
        self._ends = 0
        self._all = asyncio.Event()
        self._phase = self._events = 0

    async def open(self, count: int) -> None:
        """Open all sockets and wait until each is told that its feed is ready."""
        doorway = asyncio.Semaphore(OPENING_AT_ONCE)
        async with asyncio.timeout(OPEN_SECONDS):
            await asyncio.gather(*(self._open_one(doorway) for _ in range(count)))

    async def listen(self, phase: int, events: int) -> None:
        """Begin to count."""
        self._phase, self._events, self._ends = phase, events, 0
        self._newest = time.monotonic_ns()
        self._all.clear()
        for client in self._clients:
            client.frames.clear()
            client.mark = end_mark(phase)

    async def heard(self) -> Heard:
        """Return what arrived, as soon as all did or nothing does any more."""
        while not self._all.is_set() and time.monotonic_ns() - self._newest < QUIET_NS:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all.wait(), LOOK_SECONDS)
        closed = sum(client.closed.done() for client in self._clients)
        return Reckoning(self._phase, self._events).of((client.frames for client in self._clients), closed)

    async def stop_reading(self) -> None:
        """Leave everything in the kernel."""
        for client in self._clients:
            client.transport.pause_reading()

    async def read_to_the_end(self, seconds: float) -> int:
        """Read until the server closes."""
        for client in self._clients:
            client.transport.resume_reading()
        done, _ = await asyncio.wait([client.closed for client in self._clients], timeout=seconds)
        return done.pop().result() if done else 0

    async def _open_one(self, doorway: asyncio.Semaphore) -> None:
        async with doorway:
            loop = asyncio.get_running_loop()
            _, client = await loop.create_connection(
                lambda: Client(self._door, self._news), "127.0.0.1", self._door.port
            )
            await client.ready
            self._clients.append(client)

    def _news(self, moment: int, ends: int) -> None:
        self._newest = moment
        self._ends += ends
        if ends and self._ends == len(self._clients):
            self._all.set()
