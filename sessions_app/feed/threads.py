"""The threads in which the feed asks the database.

They are few and keep their connections: a thousand sockets that come back at once, after a restart, would
each open one for each of their questions, which costs more than the questions.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier
from typing import Any

from django.db import InterfaceError, OperationalError, connection

THREADS = 4
_threads: ThreadPoolExecutor | None = None


def in_thread(query: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Make a query that can be awaited."""

    async def ask(*arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(_executor(), _ask, query, *arguments)

    return ask


def close_connections() -> None:
    """End the threads and their connections; the next query begins new ones."""
    global _threads
    threads, _threads = _threads, None
    if threads is not None:
        all_there = Barrier(THREADS, timeout=10)
        wait([threads.submit(_close_with_others, all_there) for _ in range(THREADS)])
        threads.shutdown()


def _executor() -> ThreadPoolExecutor:
    global _threads
    if _threads is None:
        _threads = ThreadPoolExecutor(THREADS, thread_name_prefix="feed")
    return _threads


def _ask(query: Callable[..., Any], *arguments: Any) -> Any:
    """Ask; once more over a new connection if the kept one was lost meanwhile."""
    try:
        return query(*arguments)
    except (OperationalError, InterfaceError):
        connection.close()
    try:
        return query(*arguments)
    except (OperationalError, InterfaceError):
        connection.close()
        raise


def _close_with_others(all_there: Barrier) -> None:
    """Close this thread's connection, while each of the others closes its own."""
    all_there.wait()
    connection.close()
