"""Tasks of the agents worker: each fetches by id and calls one function."""

from uuid import UUID

from celery import shared_task

from agents_app import maintenance, runner, worker_signals

__all__ = ["run_maintenance", "run_requested_maintenance", "run_subagent", "worker_signals"]


@shared_task(name="agents_app.tasks.run_subagent")
def run_subagent(subagent_id: str, attempt: int) -> None:
    """Run one attempt of a subagent."""
    runner.run(UUID(subagent_id), attempt)


@shared_task(name="agents_app.tasks.run_maintenance")
def run_maintenance() -> None:
    """Run the maintenance that is due this hour."""
    maintenance.tick()


@shared_task(name="agents_app.tasks.run_requested_maintenance")
def run_requested_maintenance(run_id: str) -> None:
    """Run the maintenance that somebody asked for."""
    maintenance.work_on(UUID(run_id))
