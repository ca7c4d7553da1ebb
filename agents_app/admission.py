"""Admission: who gets the next free slot of a pool, and the message that tells a worker.

Fairness is start-time fair queueing over owners: each (pool, owner) has a round; the owner with the lowest
round goes next and moves on by one; of equal rounds the one that was admitted longer ago. An owner who comes
back starts at the pool's clock, the round of the last admission, so nobody saves up turns and nobody waits
for a batch. The statements are in `statements.py`.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Avg, F
from django.utils import timezone

from agents_app import statements
from agents_app.models import Pool, Subagent, Worker
from agents_app.registry import CHAT_QUEUE
from agents_app.statements import Admitted
from sessions_app.events import SessionChange

logger = logging.getLogger(__name__)

TYPICAL_OF_LAST = 20
TASKS = {CHAT_QUEUE: "agents_app.chat_tasks.run_subagent"}
"""What runs a subagent, by queue, where it is not the agents worker's task."""


def admit(pool_name: str) -> int:
    """Give free slots of the pool to waiting subagents and send their messages; returns how many."""
    count = 0
    # Read before trying to write: spinning at the cap is what made trials slow.
    while statements.somebody_may_go(pool_name, timezone.now()):
        with transaction.atomic():
            statements.lock(pool_name)
            admitted = statements.claim(pool_name, timezone.now())
        if admitted is None:
            break
        send(pool_name, admitted)
        count += 1
    return count


def admit_within(change: SessionChange, pool_name: str, entering: int | None = None) -> Admitted | None:
    """Give one free slot in the transaction that made it free or brought the work; the message follows."""
    admitted = claim_within(pool_name, entering)
    if admitted is not None:
        change.afterwards(lambda: send(pool_name, admitted))
    return admitted


def claim_within(pool_name: str, entering: int | None = None) -> Admitted | None:
    """Give one free slot in the caller's transaction to whoever the caller then starts or tells of it.

    If somebody else holds the pool's lock nothing is done: the caller has `admit` called after its commit, as
    it does when its own work did not get the slot, since what others commit meanwhile is not seen here.
    """
    return statements.claim(pool_name, timezone.now(), entering) if statements.try_lock(pool_name) else None


def capacity(pool: Pool) -> int:
    """Return how many may run at once now: the cap, or what the living workers can carry if that is less."""
    workers = Worker.objects.alive(timezone.now()).serving(pool.name).filter(kind=Worker.Kind.AGENTS)
    return min(pool.cap, workers.count())


def learn_durations() -> None:
    """Keep on each pool how long its last work took, from which waits are estimated."""
    for pool in Pool.objects.all():
        ended = Subagent.objects.ended_last(pool.name)[:TYPICAL_OF_LAST]
        took = ended.annotate(took=F("finished_at") - F("started_at")).aggregate(mean=Avg("took"))["mean"]
        typical = None if took is None else round(took.total_seconds(), 3)
        if typical != pool.typical_seconds:
            with transaction.atomic():
                Pool.objects.filter(pk=pool.pk).update(typical_seconds=typical)


def send(pool_name: str, admitted: Admitted) -> bool:
    """Tell a worker; a broker that is away only delays it, because the keeper sends again."""
    task = TASKS.get(admitted.queue, "agents_app.tasks.run_subagent")
    return send_task(task, admitted.queue or pool_name, str(admitted.subagent_id), admitted.attempt)


def send_task(name: str, queue: str, *arguments: Any) -> bool:
    """Publish a task message; failure is logged and told by False, because the row is what counts."""
    try:
        current_app.send_task(name, args=arguments, queue=queue)
    except Exception as error:  # noqa: BLE001  # whatever the transport raises, the keeper sends again
        logger.warning("could not send %s%r: %s", name, arguments, error)
        return False
    return True


def send_again(now: datetime) -> None:
    """Send messages anew for what was admitted and has not started; the interval doubles up to a minute."""
    patience = timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    for row in Subagent.objects.never_started(now - patience):
        if not is_late(row.sent_at, row.admitted_at or now, now, patience):
            continue
        with transaction.atomic():
            mine = Subagent.objects.filter(
                pk=row.pk, attempt=row.attempt, state="admitted", sent_at=row.sent_at
            )
            moved = mine.update(sent_at=now)
        if moved and not send(row.pool_id, Admitted(row.pk, row.attempt, row.owner_id, row.queue)):
            return  # a broker that is away is tried once a round, not once a row


def is_late(sent_at: datetime | None, begin: datetime, now: datetime, patience: timedelta) -> bool:
    """Whether to send again: after `patience`, then after as long as it has waited, at most a minute."""
    if sent_at is None:
        return True
    return now - sent_at >= min(max(patience, sent_at - begin), timedelta(minutes=1))
