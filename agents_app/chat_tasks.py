"""Tasks of the chat worker; apart from `tasks.py`, because only this worker imports the models' library."""

from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import close_old_connections

from agents_app import main_agent


@shared_task(name="agents_app.chat_tasks.run_turn")
def run_turn(turn_id: str, attempt: int) -> None:
    """Run one attempt of a turn."""
    try:
        main_agent.run(UUID(turn_id), attempt)
    finally:
        close_old_connections()  # answers are few and long: a thread that waits for one holds none


@worker_shutting_down.connect(weak=False)
def shutting_down(**_: Any) -> None:
    """Have running turns handed over."""
    main_agent.Shutdown.requested = True
