"""Submit, start and finish through the verbs, by four processes at once on a full pool, against the very same
statements through the bare driver (event rows included; no ORM, no payloads, no publishing).

Messages to workers are left out on both sides. Each process holds one of the four slots: its cycle is one
submit, one start and one finish, and the finish admits the next of a queue that is 200 or 10,000 long.
"""

import multiprocessing
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

from django.db import connections
from django.utils import timezone

from agents_app import admission, gateway, liveness, outcome, pool
from agents_app.models import Pool, PoolShare, Subagent, Worker
from agents_app.registry import ToolResult
from agents_app.statements import Admitted
from benchmarks.bare import BareCycle
from benchmarks.report import figure, median, ratios
from benchmarks.stage import a_session
from mcpchat_project.sqlite_gate.base import DatabaseWrapper

PROCESSES = 4
OWNERS = 20
DEPTHS = (200, 10_000)
ROUNDS = 7
SECONDS = 1.5


def main(database: str) -> None:
    """Measure and print."""
    rates: dict[tuple[str, int], list[float]] = {}
    waits: list[float] = []
    for depth in DEPTHS:
        _fill(depth)
        with _Crew() as crew:
            for kind in ("bare", "ours"):
                crew.run(kind, 0.5)
            for _ in range(ROUNDS):
                for kind in ("bare", "ours"):
                    rate, wait = crew.run(kind, SECONDS)
                    rates.setdefault((kind, depth), []).append(rate)
                    waits.append(wait if kind == "ours" else 0.0)
    _print(database, rates, max(waits))


def _print(database: str, rates: dict[tuple[str, int], list[float]], longest_wait: float) -> None:
    goal = {"sqlite": ">=0.4", "postgres": ">=0.6"}[database]
    for depth in DEPTHS:
        ours, bare = rates["ours", depth], rates["bare", depth]
        figure("admission", f"{database}_cycles_a_second_at_{depth}", median(ours))
        figure("admission", f"{database}_bare_cycles_a_second_at_{depth}", median(bare))
        figure("admission", f"{database}_ratio_at_{depth}", ratios(ours, bare), goal)
    shallow, deep = (median(rates["ours", depth]) for depth in DEPTHS)
    figure("admission", f"{database}_rate_at_10000_against_200", deep / shallow, ">=0.9")
    if database == "sqlite":
        figure("admission", "sqlite_longest_wait_ms", longest_wait * 1000, "<=50")


def _fill(depth: int) -> None:
    """Leave a pool with `PROCESSES` slots, no one in them, and `depth` subagents waiting."""

    Subagent.objects.all().delete()
    PoolShare.objects.update(queued=0)
    Pool.objects.filter(pk="tools").update(cap=PROCESSES, queue_limit=100_000, paused=True)
    for _ in range(PROCESSES - Worker.objects.count()):
        liveness.register("agents", ("tools",))
    for _ in range(OWNERS):
        first = gateway.spawn(a_session().pk, "nothing", {})
        rows = []
        for number in range(1, depth // OWNERS):
            row = Subagent.objects.get(pk=first.pk)
            row.pk, row.seq = Subagent._meta.pk.get_default(), first.seq + number
            rows.append(row)
        Subagent.objects.bulk_create(rows)
        PoolShare.objects.filter(owner=first.owner_id).update(queued=depth // OWNERS)
    Pool.objects.filter(pk="tools").update(paused=False)
    _let_workers_live()


def _let_workers_live() -> None:
    Worker.objects.update(lease_expires_at=timezone.now() + timedelta(hours=1))


class OurCycle:
    """One submit, start and finish through the verbs; `holding` are the slots that this process has."""

    def __init__(self) -> None:
        self._session = a_session()
        self._worker = Worker.objects.values_list("pk", flat=True)[0]
        self.holding: list[Any] = []
        admission.send = self._take

    def _take(self, pool_name: str, admitted: Admitted) -> bool:
        self.holding.append(admitted.subagent_id)
        return True

    def run(self) -> None:
        """Do it once with a slot that this process has."""
        gateway.spawn(self._session.pk, "nothing", {})
        started = pool.start(self.holding.pop(0), 1, self._worker)
        assert started is not None
        pool.finish(started, outcome.of_result(ToolResult(summary="Nothing was done.")))


class _Crew:
    """The processes that do it all at once; each begins with one slot of the pool."""

    def __init__(self) -> None:
        first = OurCycle()
        admission.admit("tools")
        connections.close_all()
        context = multiprocessing.get_context("fork")
        pipes = [context.Pipe() for _ in first.holding]
        self._ends = [ours for ours, _ in pipes]
        self._members = [
            context.Process(target=_member, args=(theirs, slot), daemon=True)
            for (_, theirs), slot in zip(pipes, first.holding, strict=True)
        ]

    def __enter__(self) -> "_Crew":
        for member in self._members:
            member.start()
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.terminate()
            member.join()

    def run(self, kind: str, seconds: float) -> tuple[float, float]:
        """Return the cycles a second of all together, and the longest wait for the gate in seconds."""
        began = time.monotonic()
        for end in self._ends:
            end.send((kind, began + seconds))
        counts = [end.recv() for end in self._ends]
        took = time.monotonic() - began
        return sum(count for count, _ in counts) / took, max(wait for _, wait in counts)


def _member(orders: Connection, slot: Any) -> None:
    waits, holding = _timed_gate(), [slot]
    cycles: dict[str, Any] = {"ours": OurCycle(), "bare": BareCycle()}
    while True:
        kind, until = orders.recv()
        cycles[kind].holding = holding
        waits.clear()
        count = _cycles_until(until, cycles[kind])
        holding = cycles[kind].holding
        orders.send((count, max(waits, default=0.0)))


def _cycles_until(until: float, cycle: Any) -> int:
    count = 0
    while time.monotonic() < until:
        # Who ends work admits the next, but another may be quicker and have two slots for a while.
        if cycle.holding:
            cycle.run()
            count += 1
        else:
            time.sleep(0.0005)
    return count


def _timed_gate() -> list[float]:
    """Have the waits for SQLite's gate noted, in seconds."""
    waits: list[float] = []
    take = DatabaseWrapper._take_gate

    def timed(self: DatabaseWrapper) -> None:
        began = time.monotonic()
        take(self)
        waits.append(time.monotonic() - began)

    DatabaseWrapper._take_gate = timed  # type: ignore[method-assign]
    return waits
