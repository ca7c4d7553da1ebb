"""Tasks of the chat worker; apart from `tasks.py`, because only this worker imports the models' library."""

import threading
from functools import partial
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.db import close_old_connections

from agents_app import admission, background_calls, fast_calls, main_agent, mcp_calls, model_listing, titles
from agents_app.models import Turn
from agents_app.turn_thread import Shutdown, aside


@shared_task(name="agents_app.chat_tasks.run_turn")
def run_turn(turn_id: str, attempt: int) -> None:
    """Run one attempt of a turn."""
    try:
        main_agent.run(UUID(turn_id), attempt)
        _ask_for_title(UUID(turn_id))
    finally:
        close_old_connections()  # answers are few and long: a thread that waits for one holds none


def _ask_for_title(turn_id: UUID) -> None:
    turn = Turn.objects.select_related("session").filter(pk=turn_id).first()
    if turn is not None and titles.is_wanted(turn):
        admission.send_task("agents_app.chat_tasks.make_title", "chat", str(turn_id))


@shared_task(name="agents_app.chat_tasks.make_title")
def make_title(turn_id: str) -> None:
    """Give a new chat a title."""
    try:
        titles.make(UUID(turn_id))
    finally:
        close_old_connections()


@shared_task(name="agents_app.chat_tasks.list_models")
def list_models() -> None:
    """Ask the providers for their models."""
    try:
        model_listing.refresh()
    finally:
        close_old_connections()


@shared_task(name="agents_app.chat_tasks.look_at_server")
def look_at_server(server_id: str) -> None:
    """See what an MCP server offers."""
    try:
        mcp_calls.look_at(UUID(server_id))
    finally:
        close_old_connections()


@shared_task(name="agents_app.chat_tasks.run_call")
def run_call(call_id: str) -> None:
    """Make a call for another process, and see it end or move into the background."""
    released = threading.Event()
    aside(partial(fast_calls.run_call, UUID(call_id), lambda _: released.set()), released.set)
    released.wait()


@shared_task(name="agents_app.chat_tasks.run_subagent")
def run_subagent(subagent_id: str, attempt: int) -> None:
    """Begin one attempt of a subagent, which runs beside: slow calls must not keep answers waiting."""
    aside(partial(background_calls.run, UUID(subagent_id), attempt))


@worker_ready.connect(weak=False)
def started(**_: Any) -> None:
    """Have the models listed that the environment of this worker gives access to."""
    admission.send_task("agents_app.chat_tasks.list_models", "chat")
    mcp_calls.start()


@worker_shutting_down.connect(weak=False)
def shutting_down(**_: Any) -> None:
    """Have running turns handed over."""
    Shutdown.requested = True
    mcp_calls.end()
