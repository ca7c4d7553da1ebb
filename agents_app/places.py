"""Places in a queue: how many starts away an item is, and how long that will probably take."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from agents_app import statements
from agents_app.models import Subagent

SHOWN_AN_OWNER = 20
_FIRST = [0, 0, 0]


@dataclass(frozen=True)
class Place:
    """`position` 1 starts next; `wait_seconds` is None where nothing can be said."""

    position: int
    wait_seconds: float | None


class Line:
    """A pool's queue at one moment: how many wait for whom, how many slots there are, how long work takes.

    Owners take turns: of every other owner as many go before an item as of its own, and one more if that
    owner's round is lower. Caps of owners and sessions are not foreseen.
    """

    def __init__(self, pool_name: str) -> None:
        now = statements.line(pool_name, timezone.now())
        self.pool = now.pool
        self._shares = {share.owner_id: share for share in now.shares}
        self._slots = 0 if now.pool.paused else min(now.pool.cap, now.workers)
        self.free = max(self._slots - now.occupied, 0)

    @property
    def waiting(self) -> int:
        """How many wait, of all owners; `free` is how many slots nobody has."""
        return sum(share.queued for share in self._shares.values())

    def place(self, owner_id: int, ahead: int) -> Place:
        """Return the place of an owner's item that has `ahead` of the same owner before it."""
        mine = self._shares[owner_id].turn if owner_id in self._shares else _FIRST
        others = (share for share in self._shares.values() if share.owner_id != owner_id)
        before = (min(share.queued, ahead + (share.turn < mine)) for share in others)
        position = 1 + ahead + sum(before)
        return Place(position, self._wait(position))

    def place_of_new(self, owner_id: int, priority: int) -> Place:
        """Return the place that an item gets which is queued now."""
        own = self._shares.get(owner_id)
        if own is None:
            return self.place(owner_id, 0)
        return self.place(
            owner_id, own.queued - statements.lower_priorities(self.pool.name, owner_id, priority)
        )

    def _wait(self, position: int) -> float | None:
        if position <= self.free:
            return 0.0
        if not self._slots or self.pool.typical_seconds is None:
            return None
        return round((position - self.free) * self.pool.typical_seconds / self._slots, 1)


def of(subagent: Subagent) -> Place | None:
    """Return the place of a subagent, or None if it is not queued."""
    if subagent.state != Subagent.State.QUEUED:
        return None
    ahead = Subagent.objects.all().ahead_of(subagent).count()
    return Line(subagent.pool_id).place(subagent.owner_id, ahead)


def of_all(subagents: Iterable[Subagent]) -> dict[UUID, Place]:
    """Return the places of those that are queued, by one query for each owner's queue."""
    queues = {(row.pool_id, row.owner_id) for row in subagents if row.state == Subagent.State.QUEUED}
    lines = {name: Line(name) for name in {name for name, _ in queues}}
    found: dict[UUID, Place] = {}
    for name, owner_id in queues:
        waiting = Subagent.objects.waiting(name).filter(owner_id=owner_id).values_list("pk", flat=True)
        found |= {key: lines[name].place(owner_id, ahead) for ahead, key in enumerate(waiting)}
    return found


def first_of_each_owner(pool_name: str) -> dict[UUID, tuple[UUID, Place]]:
    """Return (session id, place) of the first that wait of each owner, by subagent id."""
    line = Line(pool_name)
    if not line.waiting:
        return {}
    order = Window(RowNumber(), partition_by="owner_id", order_by=[F("priority").desc(), "queued_at", "id"])
    first = Subagent.objects.waiting(pool_name).annotate(rank=order).filter(rank__lte=SHOWN_AN_OWNER)
    rows = first.values_list("id", "session_id", "owner_id", "rank")
    return {key: (session_id, line.place(owner_id, rank - 1)) for key, session_id, owner_id, rank in rows}
