"""Ends a worker's own work at the expiry of its lease, because other hosts then run it.

A thread of the worker's main process: no tool runs there that could silence it, and Celery's timer would
stand still while the broker is away, which is when this is needed most. It reads clocks and one file, so it
works with the keeper dead, hung or stopped and with the database out of reach.

New children come in place of those that were killed. Each has a lease of its own from when it is first seen,
at most 0.2 s longer than its row's, so it is killed again only when that is over without a renewal. It cannot
begin work under a lease that is over: it must first find its row with one that holds, which takes a database
that answers (`liveness.current_worker_id`).
"""

import logging
import os
import threading
from typing import Any, Protocol

from celery import bootsteps
from django.conf import settings

from agents_app import lease, liveness, process_groups
from agents_app.lease import Lease

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


class Work(Protocol):
    """What a fence can end."""

    def end_lapsed(self, renewed: Lease | None) -> None:
        """Kill what has neither its first lease nor the renewed one any more."""


class Children:
    """The children of a prefork worker, each with the tools' processes in its group."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._first: dict[tuple[int, int], Lease] = {}

    def end_lapsed(self, renewed: Lease | None) -> None:
        """Kill the groups of the children whose lease is over."""
        before, self._first = self._first, {}
        for pid in self._pids():
            ticks = process_groups.start_ticks(pid) or 0
            first = self._first[pid, ticks] = before.get((pid, ticks)) or Lease.from_now()
            if first.or_later(renewed).is_over():
                logger.critical("the lease of child %d is over: killing it and what it started", pid)
                process_groups.kill(pid, ticks)

    def _pids(self) -> list[int]:
        """Return the pids of Celery's pool inside its pool; while that starts or ends there may be none."""
        processes = getattr(self._pool._pool, "_pool", None)  # noqa: SLF001  # Celery tells them nowhere else
        return [process.pid for process in list(processes or [])]


class Threads:
    """A worker whose threads are its work: it ends as a whole, and its supervisor starts it anew."""

    def end_lapsed(self, renewed: Lease | None) -> None:
        """End this process, once it has registered and its lease is over."""
        first = liveness.first_lease()
        if first is not None and first.or_later(renewed).is_over():
            logger.critical("the lease of this process is over: it ends")
            process_groups.kill_others()
            os._exit(liveness.LOST_EXIT_CODE)


class Watch:
    """Looks every 0.2 s whether the lease still holds."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stale = lease.stamped()

    def start(self) -> None:
        """Look from now on, to the end of the process: a shutdown that hangs is fenced too."""
        threading.Thread(target=self._run, name="fence", daemon=True).start()

    def look(self) -> None:
        """End what is over. A stamp from before the start of this worker counts for nothing."""
        renewed = lease.stamped()
        self._work.end_lapsed(None if renewed == self._stale else renewed)

    def _run(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                logger.exception("a look at the lease failed")


class Fence(bootsteps.StartStopStep):
    """Fences each worker where several hosts share the database; one host alone has nobody to fear."""

    requires = {"celery.worker.components:Pool"}

    def start(self, worker: Any) -> None:
        """Begin to look."""
        if settings.SEVERAL_HOSTS:
            prefork = worker.pool.__module__.endswith("prefork")
            Watch(Children(worker.pool) if prefork else Threads()).start()
