"""Make Celery's processes known as workers when they start."""

import logging
import os
import time
from contextlib import suppress
from typing import Any

from celery import current_app
from celery.signals import beat_init, worker_init, worker_process_init, worker_ready
from django.conf import settings

from agents_app import lease, liveness, process_groups
from agents_app.models import Worker

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.1
TELL_EVERY = 100


@worker_init.connect(weak=False)
def wait_for_the_keeper(**_: Any) -> None:
    """Where other hosts judge by leases, begin only once somebody renews them here.

    A worker without a keeper would take work and lose it after a lease, again and again.
    """
    waited = 0
    while settings.SEVERAL_HOSTS and not _is_kept():
        if waited % TELL_EVERY == 0:
            logger.warning("waiting for the keeper of this host")
        waited += 1
        time.sleep(WAIT_SECONDS)


@worker_process_init.connect(weak=False)
def child_started(**_: Any) -> None:
    """Lead a session of its own: Ctrl-C passes the child by, and its group is its work, which can wait."""
    with suppress(PermissionError):  # it leads one already
        os.setsid()
    process_groups.give_way()
    process_groups.adopt_orphans()
    liveness.register(Worker.Kind.AGENTS, _queues())


@worker_ready.connect(weak=False)
def worker_started(sender: Any, **_: Any) -> None:
    """The chat worker is one process with threads: it registers as a whole."""
    if "prefork" not in type(sender.pool).__module__:
        liveness.register(Worker.Kind.CHAT, _queues())


@beat_init.connect(weak=False)
def beat_started(**_: Any) -> None:
    """Beat registers, so that health can tell whether it lives."""
    liveness.register(Worker.Kind.BEAT)


def _is_kept() -> bool:
    stamped = lease.stamped()
    return stamped is not None and not stamped.is_over()


def _queues() -> tuple[str, ...]:
    return tuple(current_app.amqp.queues.consume_from)
