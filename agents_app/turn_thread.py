"""Turns run as coroutines on one shared event loop, and their database steps on their own threads.

One loop, so that connections to models and tool servers can be shared between turns. Own threads, because
`sync_to_async` outside ASGI would send the queries of all turns through a single one.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")


class Shutdown:
    """Set when the worker is told to go: running turns are then handed over, background calls given back."""

    requested = False


class _SharedLoop:
    """An event loop in a daemon thread, started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="turns", daemon=True).start()
            return self._loop


_shared_loop = _SharedLoop()


def shared_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that all turns share."""
    return _shared_loop.get()


def on_the_shared_loop(coroutine: Coroutine[Any, Any, R]) -> Future[R]:
    """Run the coroutine there and return its future, which threads may wait for."""
    return asyncio.run_coroutine_threadsafe(coroutine, shared_loop())


class TurnThread:
    """Lends the calling thread to a coroutine for the calls that block."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Run the coroutine on the shared loop; until it ends, make the calls that it asks for here."""
        future = asyncio.run_coroutine_threadsafe(coroutine, _shared_loop.get())
        future.add_done_callback(lambda _: self._calls.put(None))
        while (call := self._calls.get()) is not None:
            call()
        return future.result()

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the thread call `function` and return what it returns or raise what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()

        def call() -> None:
            try:
                result = function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001  # handed to the coroutine that asked
                loop.call_soon_threadsafe(_settle, done, None, error)
            else:
                loop.call_soon_threadsafe(_settle, done, result, None)

        self._calls.put(call)
        return await done


def in_a_thread(function: Callable[[], R]) -> asyncio.Future[R]:
    """Call `function` in a thread of its own, which nobody has to wait for, and return its future.

    The thread's connections to the database end with it. It is a daemon: no exit waits for it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[R] = loop.create_future()
    # What nobody waits for any more may fail unseen.
    done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def call() -> None:
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001  # handed to whoever waits
            error = raised
        finally:
            connections.close_all()
        loop.call_soon_threadsafe(_settle, done, result, error)

    threading.Thread(target=call, name="tool", daemon=True).start()
    return done


def told_from_a_thread(kind: type[R]) -> tuple[asyncio.Future[R], Callable[[R], None]]:
    """Return a future of this loop, and the function that gives it its value from any thread."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[R] = loop.create_future()

    def tell(value: R) -> None:
        loop.call_soon_threadsafe(_settle, told, value, None)

    return told, tell


def aside(function: Callable[[], object], ended: Callable[[], object] = lambda: None) -> None:
    """Call `function` in a thread of its own, then `ended`; the thread's connections end with it."""

    def call() -> None:
        try:
            function()
        finally:
            connections.close_all()
            ended()

    threading.Thread(target=call, name="tool", daemon=True).start()


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():  # the coroutine was cancelled meanwhile
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
