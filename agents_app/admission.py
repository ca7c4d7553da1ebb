"""Admission: who gets the next free slot of a pool. The only raw SQL of the project.

One short transaction: take the pool's lock, then one statement that counts, picks and claims. Through
many small ORM calls the same took three times as long, all of it under the lock.

Fairness is start-time fair queueing over owners: each (pool, owner) has a round; the owner with the lowest
round goes next and moves on by one; of equal rounds the one that was admitted longer ago. An owner who comes
back starts at the pool's clock, the round of the last admission, so nobody saves up turns and nobody waits
for a batch.
"""

import logging
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from agents_app.models import Pool, PoolShare, Subagent, Worker

logger = logging.getLogger(__name__)

POSITIONS_AN_OWNER = 20
_NO_ROUND = (0, 0, 0)

# A statement of its own, before the one that counts: under READ COMMITTED that one then sees every commit
# of the lock's earlier holders. The key is the pool's name.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mcpchat.pool'), hashtext(%s))"

# The share with work waiting comes first by an index probe for each share; a JOIN that counts the queue
# was 3.5 times slower at 5,000 queued.
_CLAIM = """
UPDATE agents_app_subagent SET state = 'admitted', admitted_at = %(now)s, sent_at = %(now)s
WHERE id = (
    SELECT item.id FROM agents_app_subagent item
    WHERE item.pool_id = %(pool)s AND item.state = 'queued' AND item.owner_id = (
        SELECT share.owner_id FROM agents_app_poolshare share
        WHERE share.pool_id = %(pool)s AND EXISTS (
            SELECT 1 FROM agents_app_subagent waiting
            WHERE waiting.pool_id = share.pool_id AND waiting.owner_id = share.owner_id
            AND waiting.state = 'queued'
        )
        ORDER BY CASE WHEN share.round > %(clock)s THEN share.round ELSE %(clock)s END,
            share.last_admission, share.id
        LIMIT 1
    )
    ORDER BY item.priority DESC, item.queued_at, item.id
    LIMIT 1
)
AND (
    SELECT count(*) FROM agents_app_subagent occupying
    WHERE occupying.pool_id = %(pool)s AND occupying.state IN ('admitted', 'running')
) < %(cap)s
RETURNING id, attempt, owner_id
"""


@dataclass(frozen=True)
class Admitted:
    """A subagent that got a slot."""

    subagent_id: uuid.UUID
    attempt: int
    owner_id: int


def admit(pool_name: str) -> int:
    """Give free slots of the pool to waiting subagents and send their messages; returns how many."""
    count = 0
    # Read before trying to write: spinning at the cap is what made trials slow.
    while has_room_and_work(pool_name):
        with transaction.atomic():
            admitted = _claim(pool_name)
        if admitted is None:
            break
        send(pool_name, admitted.subagent_id, admitted.attempt)
        count += 1
    return count


def has_room_and_work(pool_name: str) -> bool:
    """Whether an admission could succeed now."""
    pool = Pool.objects.get(pk=pool_name)
    return (
        not pool.paused
        and pool.subagents.filter(state=Subagent.State.QUEUED).exists()
        and pool.subagents.occupying().count() < capacity(pool)
    )


def capacity(pool: Pool) -> int:
    """Return how many may run at once now: the cap, or what the living workers can carry if that is less."""
    workers = Worker.objects.alive(timezone.now()).serving(pool.name).filter(kind=Worker.Kind.AGENTS)
    return min(pool.cap, workers.count())


def send(pool_name: str, subagent_id: uuid.UUID, attempt: int) -> bool:
    """Tell a worker; a broker that is away only delays it, because the keeper sends again."""
    return send_task("agents_app.tasks.run_subagent", pool_name, str(subagent_id), attempt)


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
        if moved and not send(row.pool_id, row.pk, row.attempt):
            return  # a broker that is away is tried once a round, not once a row


def is_late(sent_at: datetime | None, begin: datetime, now: datetime, patience: timedelta) -> bool:
    """Whether to send again: after `patience`, then after as long as it has waited, at most a minute."""
    if sent_at is None:
        return True
    return now - sent_at >= min(max(patience, sent_at - begin), timedelta(minutes=1))


def _claim(pool_name: str) -> Admitted | None:
    _lock(pool_name)
    pool = Pool.objects.get(pk=pool_name)
    if pool.paused:
        return None
    values: dict[str, str | int] = {
        "pool": pool_name,
        "clock": pool.clock,
        "cap": capacity(pool),
        "now": connection.ops.adapt_datetimefield_value(timezone.now()) or "",
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
    if row is None:
        return None
    admitted = Admitted(uuid.UUID(str(row[0])), row[1], row[2])
    _move_clock(pool, admitted.owner_id)
    return admitted


def _lock(pool_name: str) -> None:
    # On SQLite the transaction itself is the lock: it began IMMEDIATE, behind the gate.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [pool_name])


def _move_clock(pool: Pool, owner_id: int) -> None:
    share = PoolShare.objects.get(pool=pool, owner_id=owner_id)
    clock, number = max(share.round, pool.clock), pool.admissions + 1
    PoolShare.objects.filter(pk=share.pk).update(round=clock + 1, last_admission=number)
    Pool.objects.filter(pk=pool.pk).update(clock=clock, admissions=number)


def own_share(pool: Pool, owner_id: int) -> None:
    """Make sure the owner takes part in the pool's rounds."""
    PoolShare.objects.get_or_create(pool=pool, owner_id=owner_id)


def position(subagent: Subagent) -> int | None:
    """Return how many starts away a queued subagent is (1 is next), or None if it is not queued."""
    if subagent.state != Subagent.State.QUEUED:
        return None
    ahead = Subagent.objects.all().ahead_of(subagent).count()
    return _Queue(subagent.pool_id).position(subagent.owner_id, ahead)


def positions(pool_name: str) -> dict[uuid.UUID, tuple[uuid.UUID, int]]:
    """Return (session id, position) of the first queued subagents of each owner, by subagent id."""
    rows = Subagent.objects.filter(pool_id=pool_name, state="queued").order_by(
        "owner_id", "-priority", "queued_at", "id"
    )
    queue, ahead, found = _Queue(pool_name), Counter[int](), {}
    for subagent_id, session_id, owner_id in rows.values_list("id", "session_id", "owner_id"):
        if ahead[owner_id] < POSITIONS_AN_OWNER:
            found[subagent_id] = (session_id, queue.position(owner_id, ahead[owner_id]))
        ahead[owner_id] += 1
    return found


class _Queue:
    """How many subagents of each owner wait in a pool, and the owners' rounds.

    Owners take turns: of every other owner as many go before an item as of its own, and one more if that
    owner's round is lower.
    """

    def __init__(self, pool_name: str) -> None:
        queued = Subagent.objects.filter(pool_id=pool_name, state="queued")
        self._counts = dict(queued.values_list("owner_id").annotate(Count("id")).order_by())
        self._rounds = _effective_rounds(pool_name)

    def position(self, owner_id: int, ahead: int) -> int:
        """Return the position of an owner's item that has `ahead` of the same owner before it."""
        mine = self._rounds.get(owner_id, _NO_ROUND)
        others = ((other, count) for other, count in self._counts.items() if other != owner_id)
        before = (min(count, ahead + (self._rounds.get(other, _NO_ROUND) < mine)) for other, count in others)
        return 1 + ahead + sum(before)


def _effective_rounds(pool_name: str) -> dict[int, tuple[int, int, int]]:
    """Return each owner's place among the rounds, in the order of the statement."""
    shares = PoolShare.objects.filter(pool_id=pool_name).select_related("pool")
    return {row.owner_id: (max(row.round, row.pool.clock), row.last_admission, row.pk) for row in shares}
