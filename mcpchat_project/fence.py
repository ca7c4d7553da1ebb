"""Ends a worker and its work at the expiry of its lease, because other hosts then run it; and in time when it
is told to stop.

The fence is a thread of the worker's main process: no tool runs there that could silence it, and Celery's
timer would stand still while the broker is away, which is when this is needed most. It reads clocks and one
file, so it works with the keeper dead, hung or stopped and with the database out of reach.

The worker ends as a whole and its supervisor starts it anew. If only its children were killed, the next ones
would register with a fresh lease, take work and lose it again after 5 s, for as long as nobody renews. A new
worker takes no work before its keeper has renewed (`worker_signals.wait_for_the_keeper`).
"""

import logging
import os
import signal
import threading
from typing import Any

from celery import bootsteps
from celery.signals import worker_shutting_down
from django.conf import settings

from agents_app import lease, process_groups
from agents_app.lease import Lease

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
EXIT_CODE = 75
GRACE_SECONDS = 1.5


class Fence(bootsteps.StartStopStep):
    """Fences each worker where several hosts share the database; one host alone has nobody to fear."""

    requires = {"celery.worker.components:Pool"}

    def start(self, worker: Any) -> None:
        """Look every 0.2 s from now on, to the end of the process: a shutdown that hangs is fenced too."""
        # From before this worker takes any work: no row of its children has less.
        first = Lease.from_now()
        if settings.SEVERAL_HOSTS:
            threading.Thread(target=_watch, args=(worker, first), name="fence", daemon=True).start()


def is_over(first: Lease) -> bool:
    """Whether neither the lease that a worker began with nor the one that its keeper stamped holds."""
    return first.or_later(lease.stamped()).is_over()


def _watch(worker: Any, first: Lease) -> None:
    pause = threading.Event()
    while not is_over(first):
        pause.wait(LOOK_SECONDS)
    logger.critical("the lease of this worker is over: it ends with all its work and begins anew")
    _end(worker, EXIT_CODE)


class LeaveInTime(bootsteps.StartStopStep):
    """Ends a worker that was told to stop and is still there 1.5 s after its soft limit.

    By then all its work has been told to stop. Celery joins its children one after the other, and each may
    take a second or more to notice; what is unfinished the keeper gives back in any case.

    Celery says `worker_shutting_down` when it has waited for all of them; here it is said at the signal, so
    that answers are handed over meanwhile.
    """

    requires = {"celery.worker.components:Pool"}

    def start(self, worker: Any) -> None:
        """Stand before the handler that Celery has installed by now."""
        before: Any = signal.getsignal(signal.SIGTERM)

        def told(number: int, frame: Any) -> None:
            seconds = settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT + GRACE_SECONDS
            timer = threading.Timer(seconds, _end, (worker, 0))
            timer.daemon = True
            timer.start()
            worker_shutting_down.send(sender=worker.hostname, sig="SIGTERM", how="Cold", exitcode=0)
            before(number, frame)

        if callable(before):
            signal.signal(signal.SIGTERM, told)


def _end(worker: Any, code: int) -> None:
    """End at once what this worker runs, and this process."""
    for pid in _children(worker.pool):
        process_groups.kill(pid, process_groups.start_ticks(pid) or 0)
    process_groups.kill_others()
    os._exit(code)


def _children(pool: Any) -> list[int]:
    """Return the pids of a prefork pool's processes; threads are none, and at its ends it has none."""
    processes = getattr(getattr(pool, "_pool", None), "_pool", None)
    return [process.pid for process in list(processes or [])]
