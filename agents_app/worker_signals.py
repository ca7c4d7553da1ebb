"""Make Celery's processes known as workers when they start."""

import os
from contextlib import suppress
from typing import Any

from celery import current_app
from celery.signals import beat_init, worker_process_init, worker_ready

from agents_app import liveness, process_groups
from agents_app.models import Worker


@worker_process_init.connect(weak=False)
def child_started(**_: Any) -> None:
    """Lead a session of its own: Ctrl-C passes the child by, and its group is its work."""
    with suppress(PermissionError):  # it leads one already
        os.setsid()
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


def _queues() -> tuple[str, ...]:
    return tuple(current_app.amqp.queues.consume_from)
