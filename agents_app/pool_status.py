"""A pool as it stands, for who asks: REST, the admin, the monitor."""

from typing import Any

from django.utils import timezone

from agents_app import admission
from agents_app.models import Pool, Subagent

State = Subagent.State


def status_of(pool: Pool) -> dict[str, Any]:
    """Return a pool as it stands: cap, capacity, counts, utilisation in percent, a row per active worker."""
    occupying = pool.subagents.occupying().select_related("worker")
    active = [subagent for subagent in occupying if subagent.state == State.RUNNING]
    return {
        "name": pool.name,
        "max_concurrent": pool.cap,
        "owner_cap": pool.owner_cap,
        "session_cap": pool.session_cap,
        "capacity": admission.capacity(pool),
        "paused": pool.paused,
        "queue_limit": pool.queue_limit,
        "typical_seconds": pool.typical_seconds,
        "queue_length": pool.subagents.filter(state=State.QUEUED).count(),
        "admitted": sum(subagent.state == State.ADMITTED for subagent in occupying),
        "active_workers": len(active),
        "utilization_percent": round(100 * len(active) / pool.cap, 1) if pool.cap else 0.0,
        "total_completed": pool.subagents.filter(state=State.SUCCEEDED).count(),
        "total_failed": pool.subagents.filter(state=State.FAILED).count(),
        "workers": [_worker_row(subagent) for subagent in active],
    }


def _worker_row(subagent: Subagent) -> dict[str, Any]:
    elapsed = timezone.now() - (subagent.started_at or timezone.now())
    return {
        "worker": str(subagent.worker or ""),
        "session_id": str(subagent.session_id),
        "subagent_id": str(subagent.pk),
        "tool_name": subagent.tool_name,
        "started_at": subagent.started_at,
        "duration_ms": round(elapsed.total_seconds() * 1000),
    }
