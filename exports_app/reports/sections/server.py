"""What operators want to know of the whole server: users, pools, deaths of workers, maintenance."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Sum
from django.utils import timezone

from agents_app import maintenance
from agents_app.models import MaintenanceRun, Pool
from agents_app.wording.tables import duration
from exports_app.reports import figures, seconds, writing
from exports_app.reports.scope import Scope

_ROWS = 20


def write(scope: Scope) -> Iterator[str]:
    """Yield the blocks of the section; nothing in a report of a single user."""
    if not scope.of_everybody:
        return
    yield writing.heading("Server")
    yield from _users(scope)
    yield writing.heading("Pools", 3)
    columns = ("Cap", "Work", "In use", "Wait, median", "Wait, 95th percentile")
    yield writing.table(("Pool",), columns, _pools(scope))
    yield "In use is the time of work as a share of the period at the cap of today."
    yield writing.heading("Deaths of workers", 3)
    yield writing.table(("What",), ("",), _deaths(scope))
    yield writing.heading("Maintenance", 3)
    yield writing.table(("What",), ("",), _maintenance(scope))


def _users(scope: Scope) -> Iterator[str]:
    work = scope.subagents().annotate(time=seconds.WORKED).values("owner__username")
    counted = work.annotate(
        count=Count("pk"), failed=figures.counts_of("failed"), total=Sum("time")
    ).order_by("-count", "owner__username")
    rows = list(counted[:_ROWS])
    said = scope.messages().filter(role="user").values_list("session__owner__username")
    messages = list(said.annotate(count=Count("pk")).order_by("-count")[:_ROWS])
    yield writing.bars("Work by user", "pieces", [(row["owner__username"], row["count"]) for row in rows])
    yield writing.table(("User",), ("Work", "Failed", "Time of work"), map(_user, rows))
    yield writing.bars("Messages by user", "messages", messages)


def _user(row: Any) -> tuple[str, ...]:
    counts = (writing.number(row["count"]), writing.number(row["failed"]))
    return (writing.words(row["owner__username"]), *counts, duration(row["total"]))


def _pools(scope: Scope) -> Iterator[tuple[str, ...]]:
    began = scope.period.since or scope.subagents().aggregate(first=Min("queued_at"))["first"]
    for pool in Pool.objects.all():
        rows = scope.subagents().filter(pool=pool)
        worked = figures.times(rows, seconds.WORKED, "finished_at")
        waited = figures.times(rows, seconds.WAITED, "started_at")
        yield (
            writing.words(pool.name) + (" (paused)" if pool.paused else ""),
            writing.number(pool.cap),
            writing.number(worked["count"]),
            _in_use(worked["total"], began, scope, pool.cap),
            duration(waited["p50"]),
            duration(waited["p95"]),
        )


def _in_use(worked: float | None, began: datetime | None, scope: Scope, cap: int) -> str:
    ended = min(scope.period.until, timezone.now())
    if worked is None or began is None or ended <= began:
        return "–"
    return writing.percent(worked, cap * (ended - began).total_seconds())


def _deaths(scope: Scope) -> Iterator[tuple[str, str]]:
    again = scope.subagents().filter(attempt__gt=1).aggregate(count=Count("pk"), attempts=Sum("attempt"))
    lost = scope.subagents().filter(state="failed", error__code="worker_lost")
    yield "Work that ran again", writing.number(again["count"])
    yield "Attempts that were lost of it", writing.number((again["attempts"] or 0) - again["count"])
    yield "Work that failed as worker\\_lost", writing.number(lost.count())
    yield "Deaths while answering", writing.number(scope.turns().aggregate(sum=Sum("deaths"))["sum"])


def _maintenance(scope: Scope) -> Iterator[tuple[str, str]]:
    runs = MaintenanceRun.objects.filter(started_at__lt=scope.period.until)
    if scope.period.since is not None:
        runs = runs.filter(started_at__gte=scope.period.since)
    states = figures.by_state(runs.order_by())
    yield "Runs in the period", writing.number(sum(states.values()))
    yield "of them failed", writing.number(states.get("failed", 0))
    for name, value in maintenance.statistics().items():
        if isinstance(value, int):
            yield f"{name.replace('_', ' ').capitalize()}, since the beginning", writing.number(value)
