"""How the house does: database, broker, processes, pools. Health doors, metrics, the admin's page ask."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django.utils import timezone

from agents_app import maintenance, places
from agents_app.mcp_servers import health as mcp_health
from agents_app.mcp_servers.health import McpServerRow
from agents_app.models import Pool, Subagent, Worker
from agents_app.pool_status import status_of
from sessions_app.events import look_at_broker
from sessions_app.payloads import MaintenanceRunPayload, MaintenanceStatistics, PoolStatusPayload

OK, DEGRADED, UNAVAILABLE = "ok", "degraded", "unavailable"
SLOW_DATABASE_MS = 500.0
SLOW_BROKER_MS = 250.0
FAILURES_SHOWN = 20
QUEUED_SHOWN = 50


class Component(TypedDict):
    """A part of the house: ok, degraded or unavailable, the reason if it is not ok, and its figures."""

    status: str
    reason: str
    figures: dict[str, float]


class QueuedRow(TypedDict):
    """A subagent that waits."""

    position: int
    subagent_id: str
    session_id: str
    owner: str
    title: str
    queued_at: str


class FailureRow(TypedDict):
    """A subagent that failed."""

    subagent_id: str
    session_id: str
    owner: str
    pool: str
    title: str
    code: str
    message: str
    finished_at: str


class WorkerRow(TypedDict):
    """A process that works, or whose lease lapsed."""

    worker_id: str
    kind: str
    host: str
    pid: int
    queues: list[str]
    alive: bool
    started_at: str


class Snapshot(TypedDict):
    """The house at one moment."""

    status: str
    checked_at: str
    components: dict[str, Component]
    pools: list[dict[str, Any]]
    queues: dict[str, list[QueuedRow]]
    workers: list[WorkerRow]
    recent_failures: list[FailureRow]
    mcp: list[McpServerRow]
    maintenance: MaintenanceStatistics | None
    maintenance_runs: list[MaintenanceRunPayload]


def components() -> dict[str, Component]:
    """Return each part's state; a part that cannot be asked is unavailable and says why."""
    found = {"database": _checked(_database), "redis": _checked(_broker)}
    if found["database"]["status"] == UNAVAILABLE:
        # Asking on would only wait for the same refusal six more times.
        unknown = _component(UNAVAILABLE, "Not known: the database does not answer.")
        return found | dict.fromkeys([*Worker.Kind.values, "pools", "mcp"], unknown)
    found |= _workers()
    return found | {"pools": _checked(_pools), "mcp": _checked(_mcp)}


def overall(parts: dict[str, Component]) -> str:
    """Return the worst state among the parts."""
    states = {part["status"] for part in parts.values()}
    return next((state for state in (UNAVAILABLE, DEGRADED) if state in states), OK)


def snapshot() -> Snapshot:
    """Return everything that the monitor's page shows; with the database away only the components."""
    parts = components()
    base: Snapshot = {
        "status": overall(parts),
        "checked_at": timezone.now().isoformat(),
        "components": parts,
        "pools": [],
        "queues": {},
        "workers": [],
        "recent_failures": [],
        "mcp": [],
        "maintenance": None,
        "maintenance_runs": [],
    }
    if parts["database"]["status"] == UNAVAILABLE:
        return base
    names = Pool.objects.values_list("name", flat=True)
    base["pools"] = [_with_text(status_of(row)) for row in Pool.objects.all()]
    base["queues"] = {name: queue(name) for name in names}
    base["workers"] = workers()
    base["recent_failures"] = recent_failures()
    base["mcp"] = mcp_health.troubled()
    base["maintenance"] = maintenance.statistics()
    base["maintenance_runs"] = maintenance.recent_runs()
    return base


def pool_counts() -> list[PoolStatusPayload]:
    """Return the counts of each pool: one query over unfinished subagents, one over the living workers."""
    rows = Subagent.objects.unfinished().order_by().values_list("pool_id", "state").annotate(Count("pk"))
    counted = {(name, state): count for name, state, count in rows}
    serving = Worker.objects.alive(timezone.now()).filter(kind=Worker.Kind.AGENTS)
    queues = [names.split() for names in serving.values_list("queues", flat=True)]
    return [_counts(row, counted, queues) for row in Pool.objects.all()]


def oldest_queued(now: datetime) -> dict[str, float]:
    """Return for each pool how many seconds its longest waiting subagent waits; 0 if none does."""
    oldest = Min("subagents__queued_at", filter=Q(subagents__state="queued"))
    rows = Pool.objects.annotate(oldest=oldest).values_list("name", "oldest")
    return {name: 0.0 if since is None else (now - since).total_seconds() for name, since in rows}


def queue(pool_name: str) -> list[QueuedRow]:
    """Return what waits in a pool in the order of its positions, the first 50."""
    first = places.first_of_each_owner(pool_name)
    in_order = sorted((place.position, pk) for pk, (_, place) in first.items())
    chosen = {pk: position for position, pk in in_order[:QUEUED_SHOWN]}
    rows = Subagent.objects.filter(pk__in=chosen).select_related("owner")
    return sorted((_queued_row(row, chosen[row.pk]) for row in rows), key=lambda row: row["position"])


def recent_failures() -> list[FailureRow]:
    """Return the newest failed subagents."""
    failed = Subagent.objects.filter(state=Subagent.State.FAILED).select_related("owner")
    return [_failure_row(row) for row in failed.order_by("-finished_at")[:FAILURES_SHOWN]]


def workers() -> list[WorkerRow]:
    """Return every process that is known."""
    now = timezone.now()
    rows = Worker.objects.order_by("kind", "host", "started_at")
    return [
        {
            "worker_id": str(row.pk),
            "kind": row.kind,
            "host": row.host,
            "pid": row.pid,
            "queues": row.queues.split(),
            "alive": row.lease_expires_at > now,
            "started_at": row.started_at.isoformat(),
        }
        for row in rows
    ]


def _component(status: str, reason: str = "", /, **figures: float) -> Component:
    return {"status": status, "reason": reason, "figures": figures}


def _checked(check: Callable[[], Component]) -> Component:
    try:
        return check()
    except (DatabaseError, OSError) as error:
        # Only the kind of error: its text may name addresses and accounts.
        name = str(error) if type(error) is OSError else type(error).__name__
        return _component(UNAVAILABLE, name)


def _database() -> Component:
    began = time.monotonic()
    has_pools = Pool.objects.exists()
    latency = round((time.monotonic() - began) * 1000, 2)
    if not has_pools:
        return _component(UNAVAILABLE, "The pools are missing: run the migrations.", latency_ms=latency)
    if latency > SLOW_DATABASE_MS:
        return _component(DEGRADED, f"It took {latency:.0f} ms to answer.", latency_ms=latency)
    return _component(OK, latency_ms=latency)


def _broker() -> Component:
    state = look_at_broker()
    figures = {"latency_ms": state.latency_ms, "memory_bytes": float(state.memory_bytes)}
    if state.latency_ms > SLOW_BROKER_MS:
        return _component(DEGRADED, f"It took {state.latency_ms:.0f} ms to answer.", **figures)
    return _component(OK, "", **figures)


def _workers() -> dict[str, Component]:
    """Return the state of each kind of process, by one query: several of a kind are as good as one."""
    try:
        rows = Worker.objects.alive(timezone.now()).order_by().values_list("kind").annotate(Count("pk"))
        alive = dict(rows)
    except (DatabaseError, OSError) as error:
        unknown = _component(UNAVAILABLE, type(error).__name__)
        return dict.fromkeys(Worker.Kind.values, unknown)
    return {kind.value: _workers_of(kind, alive.get(kind.value, 0)) for kind in Worker.Kind}


def _workers_of(kind: Worker.Kind, alive: int) -> Component:
    if not alive:
        return _component(UNAVAILABLE, f"No {kind.label.lower()} process is alive.", alive=0)
    return _component(OK, alive=alive)


def _pools() -> Component:
    """Degraded while a pool is paused, full, or has fewer workers than its cap."""
    reasons = [reason for counts in pool_counts() if (reason := _why_short(counts))]
    return _component(DEGRADED if reasons else OK, " ".join(reasons))


def _mcp() -> Component:
    """Degraded while an MCP server fails or is paused; which ones is in the snapshot."""
    counts = mcp_health.counts()
    bad = counts["unhealthy"] + counts["paused"]
    reason = f"{bad} of {sum(counts.values())} MCP servers fail or are paused." if bad else ""
    return _component(DEGRADED if bad else OK, reason, **counts)


def _why_short(counts: PoolStatusPayload) -> str:
    name = counts["pool"]
    if counts["paused"]:
        return f"{name} is paused."
    if counts["queued"] >= counts["queue_limit"]:
        return f"{name} takes no more: {counts['queued']} wait."
    if counts["capacity"] < counts["cap"]:
        return f"{name} has workers for {counts['capacity']} of {counts['cap']}."
    return ""


def _counts(
    row: Pool, counted: dict[tuple[str, str], int], worker_queues: list[list[str]]
) -> PoolStatusPayload:
    return {
        "pool": row.name,
        "cap": row.cap,
        "capacity": min(row.cap, sum(row.name in names for names in worker_queues)),
        "paused": row.paused,
        "queue_limit": row.queue_limit,
        "queued": counted.get((row.name, "queued"), 0),
        "admitted": counted.get((row.name, "admitted"), 0),
        "running": counted.get((row.name, "running"), 0),
    }


def _with_text(status: dict[str, Any]) -> dict[str, Any]:
    rows = [row | {"started_at": _iso(row["started_at"])} for row in status["workers"]]
    return status | {"workers": rows}


def _queued_row(row: Subagent, position: int) -> QueuedRow:
    return {
        "position": position,
        "subagent_id": str(row.pk),
        "session_id": str(row.session_id),
        "owner": row.owner.get_username(),
        "title": row.title,
        "queued_at": row.queued_at.isoformat(),
    }


def _failure_row(row: Subagent) -> FailureRow:
    error = row.error or {}
    return {
        "subagent_id": str(row.pk),
        "session_id": str(row.session_id),
        "owner": row.owner.get_username(),
        "pool": row.pool_id,
        "title": row.title,
        "code": str(error.get("code", "")),
        "message": str(error.get("message", ""))[:300],
        "finished_at": (row.finished_at or timezone.now()).isoformat(),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
