"""Tells staff what changes in the house: the keeper looks, and compares with what it saw before."""

from agents_app import monitor
from agents_app.models import Worker
from sessions_app.events import announce_staff
from sessions_app.payloads import HealthPayload, PoolStatusPayload, WorkerPayload


class Watch:
    """Announces differences on the staff topic; the first look of each kind only takes note."""

    def __init__(self) -> None:
        self._health: dict[str, str] | None = None
        self._pools: dict[str, PoolStatusPayload] = {}
        self._workers: dict[str, WorkerPayload] | None = None

    def health(self) -> None:
        """Announce `system.health_updated` when a component's state differs from the last look."""
        parts = monitor.components()
        states = {name: part["status"] for name, part in parts.items()}
        if self._health not in (None, states):
            payload: HealthPayload = {
                "status": monitor.overall(parts),
                "components": states,
                "reasons": {name: part["reason"] for name, part in parts.items() if part["reason"]},
            }
            announce_staff("system.health_updated", payload)
        self._health = states

    def movements(self) -> None:
        """Announce pools whose counts changed and workers that came or went since the last look."""
        self._look_at_pools()
        self._look_at_workers()

    def _look_at_pools(self) -> None:
        for counts in monitor.pool_counts():
            before = self._pools.get(counts["pool"])
            if before not in (None, counts):
                announce_staff("pool.status_changed", counts)
            if _is_full(counts) and (before is None or not _is_full(before)):
                announce_staff("pool.queue_full", counts)
            self._pools[counts["pool"]] = counts

    def _look_at_workers(self) -> None:
        now = {str(worker.pk): _payload(worker) for worker in Worker.objects.all()}
        known = self._workers
        self._workers = now
        if known is None:
            return
        for worker_id in now.keys() - known.keys():
            announce_staff("worker.started", now[worker_id])
        for worker_id in known.keys() - now.keys():
            announce_staff("worker.lost", known[worker_id])


def _is_full(counts: PoolStatusPayload) -> bool:
    return counts["queued"] >= counts["queue_limit"]


def _payload(worker: Worker) -> WorkerPayload:
    return {
        "worker_id": str(worker.pk),
        "kind": worker.kind,
        "host": worker.host,
        "pid": worker.pid,
        "queues": worker.queues.split(),
    }
