"""The raw statements of admission: the only SQL of the project that is written by hand.

They run under a pool's lock, at every submit and every end. Through many small queries of the ORM the same
took three times as long, all of it under the lock.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from agents_app.models import Pool
from sessions_app.rows import Rows, adapted, fetch_all, fetch_one, run

_pools = Rows(Pool)


@dataclass(frozen=True)
class Admitted:
    """A subagent that got a slot, and the queue that carries its id if that is not its pool's own."""

    subagent_id: uuid.UUID
    attempt: int
    owner_id: int
    queue: str


@dataclass(frozen=True)
class Share:
    """An owner who waits in a pool: how many wait, and the place among the owners (lowest goes next)."""

    owner_id: int
    queued: int
    turn: list[int]


@dataclass(frozen=True)
class Snapshot:
    """A pool at one moment: how many have a slot, how many processes could carry one, who waits."""

    pool: Pool
    occupied: int
    workers: int
    shares: list[Share]


_OCCUPYING = """
SELECT count(*) FROM agents_app_subagent occupying
WHERE occupying.pool_id = %(pool)s AND occupying.state IN ('admitted', 'running')
"""

# Not LIKE: with a parameter SQLite would plan the whole statement anew each time, ten times the work.
_WORKERS = """
SELECT count(*) FROM agents_app_worker worker
WHERE worker.kind = 'agents' AND worker.lease_expires_at > %(now)s
AND replace(worker.queues, %(serving)s, '') <> worker.queues
"""

# Those who are at a cap of their own; looked up only where there is such a cap.
_BUSY_SESSIONS = """
SELECT busy.session_id FROM agents_app_subagent busy
WHERE busy.pool_id = %(pool)s AND busy.state IN ('admitted', 'running')
GROUP BY busy.session_id HAVING count(*) >= (SELECT session_cap FROM agents_app_pool WHERE name = %(pool)s)
"""
_BUSY_OWNERS = """
SELECT busy.owner_id FROM agents_app_subagent busy
WHERE busy.pool_id = %(pool)s AND busy.state IN ('admitted', 'running')
GROUP BY busy.owner_id HAVING count(*) >= (SELECT owner_cap FROM agents_app_pool WHERE name = %(pool)s)
"""

# The owner's item that goes first, if it may go now. One probe of the index `subagent_queue`, whatever the
# planner knows of the queue's length.
_FIRST = f"""
SELECT item.id FROM agents_app_subagent item
WHERE item.pool_id = %(pool)s AND item.owner_id = share.owner_id AND item.state = 'queued'
AND item.queue_deadline_at > %(now)s
AND (pool.session_cap IS NULL OR item.session_id NOT IN ({_BUSY_SESSIONS}))
ORDER BY item.priority DESC, item.queued_at, item.id
LIMIT 1
"""

# Who goes next, if anybody may: of the owners the one whose turn it is. A JOIN that counts the queue was 3.5
# times slower at 5,000 queued. Read without the lock it tells whether to take it.
_CHOOSE = f"""
SELECT turn.id, turn.owner_id, turn.start, turn.admission
FROM (
    SELECT ({_FIRST}) AS id, share.owner_id, share.last_admission, share.id AS share_id,
        pool.admissions + 1 AS admission,
        CASE WHEN share.round > pool.clock THEN share.round ELSE pool.clock END AS start
    FROM agents_app_poolshare share JOIN agents_app_pool pool ON pool.name = share.pool_id
    WHERE share.pool_id = %(pool)s AND NOT pool.paused
    AND (share.queued > 0 OR share.owner_id = %(entering)s)
    AND (pool.owner_cap IS NULL OR share.owner_id NOT IN ({_BUSY_OWNERS}))
    AND ({_OCCUPYING}) < pool.cap
    AND ({_OCCUPYING}) < ({_WORKERS})
) turn
WHERE turn.id IS NOT NULL
ORDER BY turn.start, turn.last_admission, turn.share_id
LIMIT 1
"""

_ADMIT = "state = 'admitted', admitted_at = %(now)s, sent_at = %(now)s"
_ADMITTED = "queued = queued - CASE WHEN share.owner_id = %(entering)s THEN 0 ELSE 1 END"

# PostgreSQL chooses, claims and moves the clock in one round trip.
_CLAIM_AT_ONCE = f"""
WITH chosen AS ({_CHOOSE}),
claimed AS (
    UPDATE agents_app_subagent item SET {_ADMIT} FROM chosen
    WHERE item.id = chosen.id AND item.state = 'queued'
    RETURNING item.id, item.attempt, item.queue, chosen.owner_id, chosen.start, chosen.admission
),
share AS (
    UPDATE agents_app_poolshare share
    SET round = claimed.start + 1, last_admission = claimed.admission, {_ADMITTED} FROM claimed
    WHERE share.pool_id = %(pool)s AND share.owner_id = claimed.owner_id
),
pool AS (
    UPDATE agents_app_pool pool SET clock = claimed.start, admissions = claimed.admission FROM claimed
    WHERE pool.name = %(pool)s
)
SELECT id, attempt, owner_id, queue FROM claimed
"""

# SQLite has no UPDATE inside a SELECT; its transaction is the lock, and a statement costs no round trip.
_CLAIM_ITEM = f"UPDATE agents_app_subagent SET {_ADMIT} WHERE id = %(id)s RETURNING attempt, queue"
_CLAIM_STEPS = (
    f"""
    UPDATE agents_app_poolshare AS share
    SET round = %(start)s + 1, last_admission = %(admission)s, {_ADMITTED}
    WHERE pool_id = %(pool)s AND owner_id = %(owner)s
    """,
    "UPDATE agents_app_pool SET clock = %(start)s, admissions = %(admission)s WHERE name = %(pool)s",
)

# A statement of its own, before the one that counts: under READ COMMITTED that one then sees every commit of
# the lock's earlier holders. The key is the pool's name.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mcpchat.pool'), hashtext(%s))"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('mcpchat.pool'), hashtext(%s))"

_ENTER = """
INSERT INTO agents_app_poolshare (pool_id, owner_id, round, last_admission, queued)
VALUES (%(pool)s, %(owner)s, 0, 0, 1)
ON CONFLICT (pool_id, owner_id) DO UPDATE SET queued = agents_app_poolshare.queued + 1
"""
_DEPART = """
UPDATE agents_app_poolshare SET queued = queued - 1 WHERE pool_id = %(pool)s AND owner_id = %(owner)s
"""

# A pool, its slots, and every owner who waits: one row each, or one with nobody in it.
_LINE = f"""
SELECT ({_OCCUPYING}), ({_WORKERS}), share.owner_id, share.queued,
    CASE WHEN share.round > pool.clock THEN share.round ELSE pool.clock END,
    share.last_admission, share.share_id,
    {{columns}}
FROM agents_app_pool pool
LEFT JOIN (
    SELECT owner_id, queued, round, last_admission, id AS share_id, pool_id FROM agents_app_poolshare
    WHERE queued > 0
) share ON share.pool_id = pool.name
WHERE pool.name = %(pool)s
"""
_LOWER = """
SELECT count(*) FROM agents_app_subagent
WHERE pool_id = %(pool)s AND owner_id = %(owner)s AND state = 'queued' AND priority < %(priority)s
"""


def worker_is_known() -> str:
    """Return the condition that the row of a `worker` is there.

    Where other hosts judge by leases its lease must hold, too: what a worker had may be running elsewhere.
    """
    alive = " AND worker.lease_expires_at > %(now)s" if settings.SEVERAL_HOSTS else ""
    return f"EXISTS (SELECT 1 FROM agents_app_worker worker WHERE worker.id = %(worker)s{alive})"


def somebody_may_go(pool_name: str, now: datetime) -> bool:
    """Whether an admission would succeed now."""
    return fetch_one(_CHOOSE, _moment(pool_name, now)) is not None


def claim(pool_name: str, now: datetime, entering: int | None = None) -> Admitted | None:
    """Admit who goes next. The caller's transaction holds the pool's lock.

    `entering` is an owner with an item in this transaction that is not counted as waiting yet: if one of the
    owner's is admitted, the counts are right as they are.
    """
    values = _moment(pool_name, now, entering)
    if connection.vendor == "postgresql":
        row = fetch_one(_CLAIM_AT_ONCE, values)
    elif (row := fetch_one(_CHOOSE, values)) is not None:
        key, owner_id, start, admission = row
        values |= {"id": key, "owner": owner_id, "start": start, "admission": admission}
        attempt, queue = fetch_one(_CLAIM_ITEM, values)
        row = (key, attempt, owner_id, queue)
        for statement in _CLAIM_STEPS:
            run(statement, values)
    return None if row is None else Admitted(uuid.UUID(str(row[0])), *row[1:])


def lock(pool_name: str) -> None:
    """Take the pool's lock until the transaction ends.

    On SQLite the transaction itself is the lock: it began IMMEDIATE, behind the gate.
    """
    if connection.vendor == "postgresql":
        fetch_one(_LOCK, [pool_name])


def try_lock(pool_name: str) -> bool:
    """Take the pool's lock if nobody holds it; waits for nobody, so it may come after any other lock."""
    return connection.vendor != "postgresql" or bool(fetch_one(_TRY_LOCK, [pool_name])[0])


def enter_queue(pool_name: str, owner_id: int) -> None:
    """Count one more of the owner's that waits; one who is new to the pool gets a share."""
    run(_ENTER, {"pool": pool_name, "owner": owner_id})


def leave_queue(pool_name: str, owner_id: int) -> None:
    """Count one less that waits, of an item that ended without an admission."""
    run(_DEPART, {"pool": pool_name, "owner": owner_id})


def line(pool_name: str, now: datetime) -> Snapshot:
    """Return a pool and who waits in it. Raises `Pool.DoesNotExist`."""
    rows = fetch_all(_LINE.format(columns=_pools.columns), _moment(pool_name, now))
    if not rows:
        raise Pool.DoesNotExist(pool_name)
    waiting = [
        Share(owner, queued, turn) for _, _, owner, queued, *turn in (row[:7] for row in rows) if owner
    ]
    return Snapshot(_pools.loaded(rows[0][7:]), rows[0][0], rows[0][1], waiting)


def lower_priorities(pool_name: str, owner_id: int, priority: int) -> int:
    """Return how many of the owner's that wait have a lower priority than this."""
    return int(fetch_one(_LOWER, {"pool": pool_name, "owner": owner_id, "priority": priority})[0])


def _moment(pool_name: str, now: datetime, entering: int | None = None) -> dict[str, Any]:
    return {"pool": pool_name, "now": adapted(now), "serving": f" {pool_name} ", "entering": entering}
