"""The raw statements of admission: the only SQL of the project that is written by hand.

They run under a pool's lock, at every submit and every end. Through many small queries of the ORM the same took
three times as long, all of it under the lock.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from sessions_app.rows import adapted


@dataclass(frozen=True)
class Admitted:
    """A subagent that got a slot."""

    subagent_id: uuid.UUID
    attempt: int


@dataclass(frozen=True)
class Share:
    """An owner who waits in a pool: how many wait, and the place among the owners (lowest goes next)."""

    owner_id: int
    queued: int
    turn: tuple[int, int, int]


_OCCUPYING = """
SELECT count(*) FROM agents_app_subagent occupying
WHERE occupying.pool_id = %(pool)s AND occupying.state IN ('admitted', 'running')
"""

_WORKERS = """
SELECT count(*) FROM agents_app_worker worker
WHERE worker.kind = 'agents' AND worker.lease_expires_at > %(now)s AND worker.queues LIKE %(serving)s
"""

# What may go now: it waits, its deadline is not over, its session is not at a cap of its own.
_ELIGIBLE = """
item.pool_id = %(pool)s AND item.state = 'queued' AND item.queue_deadline_at > %(now)s
AND item.session_id NOT IN (
    SELECT busy.session_id FROM agents_app_subagent busy
    WHERE busy.pool_id = %(pool)s AND busy.state IN ('admitted', 'running')
    GROUP BY busy.session_id
    HAVING count(*) >= (SELECT session_cap FROM agents_app_pool WHERE name = %(pool)s)
)
"""

# Who goes next, if anybody may. The owner comes first, by an index probe for each share; a JOIN that counts the
# queue was 3.5 times slower at 5,000 queued. Read without the lock it tells whether taking the lock is worth it.
_CHOOSE = f"""
SELECT item.id, item.attempt, item.owner_id, turn.start, turn.admission
FROM (
    SELECT share.owner_id, pool.admissions + 1 AS admission,
        CASE WHEN share.round > pool.clock THEN share.round ELSE pool.clock END AS start
    FROM agents_app_poolshare share JOIN agents_app_pool pool ON pool.name = share.pool_id
    WHERE share.pool_id = %(pool)s AND NOT pool.paused
    AND EXISTS (SELECT 1 FROM agents_app_subagent item WHERE item.owner_id = share.owner_id AND {_ELIGIBLE})
    AND (
        pool.owner_cap IS NULL
        OR ({_OCCUPYING} AND occupying.owner_id = share.owner_id) < pool.owner_cap
    )
    AND ({_OCCUPYING}) < pool.cap
    AND ({_OCCUPYING}) < ({_WORKERS})
    ORDER BY start, share.last_admission, share.id
    LIMIT 1
) turn
JOIN agents_app_subagent item ON item.owner_id = turn.owner_id
WHERE {_ELIGIBLE}
ORDER BY item.priority DESC, item.queued_at, item.id
LIMIT 1
"""  # noqa: S608  # put together from the constants above

_ADMIT = "state = 'admitted', admitted_at = %(now)s, sent_at = %(now)s"
_LEAVE = "queued = CASE WHEN queued > 0 THEN queued - 1 ELSE 0 END"

# PostgreSQL chooses, claims and moves the clock in one round trip.
_CLAIM_AT_ONCE = f"""
WITH chosen AS ({_CHOOSE}),
claimed AS (
    UPDATE agents_app_subagent item SET {_ADMIT} FROM chosen
    WHERE item.id = chosen.id AND item.state = 'queued'
    RETURNING item.id, item.attempt, chosen.owner_id, chosen.start, chosen.admission
),
share AS (
    UPDATE agents_app_poolshare share
    SET round = claimed.start + 1, last_admission = claimed.admission, {_LEAVE} FROM claimed
    WHERE share.pool_id = %(pool)s AND share.owner_id = claimed.owner_id
),
pool AS (
    UPDATE agents_app_pool pool SET clock = claimed.start, admissions = claimed.admission FROM claimed
    WHERE pool.name = %(pool)s
)
SELECT id, attempt FROM claimed
"""  # noqa: S608

# SQLite has no UPDATE inside a SELECT; its transaction is the lock, and a statement costs no round trip.
_CLAIM_STEPS = (
    f"UPDATE agents_app_subagent SET {_ADMIT} WHERE id = %(id)s",
    f"UPDATE agents_app_poolshare SET round = %(start)s + 1, last_admission = %(admission)s, {_LEAVE}"
    " WHERE pool_id = %(pool)s AND owner_id = %(owner)s",
    "UPDATE agents_app_pool SET clock = %(start)s, admissions = %(admission)s WHERE name = %(pool)s",
)

# A statement of its own, before the one that counts: under READ COMMITTED that one then sees every commit of the
# lock's earlier holders. The key is the pool's name.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mcpchat.pool'), hashtext(%s))"

_ENTER = """
INSERT INTO agents_app_poolshare (pool_id, owner_id, round, last_admission, queued)
VALUES (%(pool)s, %(owner)s, 0, 0, 1)
ON CONFLICT (pool_id, owner_id) DO UPDATE SET queued = agents_app_poolshare.queued + 1
"""
_DEPART = f"UPDATE agents_app_poolshare SET {_LEAVE} WHERE pool_id = %(pool)s AND owner_id = %(owner)s"  # noqa: S608

_SHARES = """
SELECT share.owner_id, share.queued, share.last_admission, share.id,
    CASE WHEN share.round > pool.clock THEN share.round ELSE pool.clock END
FROM agents_app_poolshare share JOIN agents_app_pool pool ON pool.name = share.pool_id
WHERE share.pool_id = %(pool)s AND share.queued > 0
"""
_SLOTS = f"SELECT ({_OCCUPYING}), ({_WORKERS})"  # noqa: S608
_LOWER = """
SELECT count(*) FROM agents_app_subagent
WHERE pool_id = %(pool)s AND owner_id = %(owner)s AND state = 'queued' AND priority < %(priority)s
"""


def somebody_may_go(pool_name: str, now: datetime) -> bool:
    """Whether an admission would succeed now."""
    return _choose(pool_name, now) is not None


def claim(pool_name: str, now: datetime) -> Admitted | None:
    """Admit who goes next, in the caller's transaction, which then holds the pool's lock."""
    lock(pool_name)
    if connection.vendor == "postgresql":
        row = _first(_CLAIM_AT_ONCE, _moment(pool_name, now))
    elif (row := _choose(pool_name, now)) is not None:
        chosen = dict(zip(("id", "attempt", "owner", "start", "admission"), row, strict=True))
        with connection.cursor() as cursor:
            for statement in _CLAIM_STEPS:
                cursor.execute(statement, chosen | _moment(pool_name, now))
    return None if row is None else Admitted(uuid.UUID(str(row[0])), row[1])


def lock(pool_name: str) -> None:
    """Take the pool's lock until the transaction ends.

    On SQLite the transaction itself is the lock: it began IMMEDIATE, behind the gate.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [pool_name])


def enter_queue(pool_name: str, owner_id: int) -> None:
    """Count one more of the owner's that waits; one who is new to the pool gets a share."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, {"pool": pool_name, "owner": owner_id})


def leave_queue(pool_name: str, owner_id: int) -> None:
    """Count one less that waits, of an item that ended without an admission."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPART, {"pool": pool_name, "owner": owner_id})


def shares(pool_name: str) -> list[Share]:
    """Return the owners with something waiting."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARES, {"pool": pool_name})
        rows = cursor.fetchall()
    return [Share(owner, queued, (start, last, key)) for owner, queued, last, key, start in rows]


def slots(pool_name: str, now: datetime) -> tuple[int, int]:
    """Return how many are admitted or running, and how many processes could carry one."""
    occupied, workers = _first(_SLOTS, _moment(pool_name, now))
    return occupied, workers


def lower_priorities(pool_name: str, owner_id: int, priority: int) -> int:
    """Return how many of the owner's that wait have a lower priority than this."""
    return int(_first(_LOWER, {"pool": pool_name, "owner": owner_id, "priority": priority})[0])


def _choose(pool_name: str, now: datetime) -> Any:
    return _first(_CHOOSE, _moment(pool_name, now))


def _moment(pool_name: str, now: datetime) -> dict[str, Any]:
    return {"pool": pool_name, "now": adapted(now), "serving": f"% {pool_name} %"}


def _first(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
