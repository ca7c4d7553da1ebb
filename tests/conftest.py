"""Fixtures that every test may use."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, connections
from rest_framework.test import APIClient

from agents_app import attempt, liveness
from agents_app.models import Subagent
from sessions_app import lifecycle
from sessions_app.feed import hub as feed_hub
from sessions_app.feed import threads
from sessions_app.models import ChatSession


@pytest.fixture
def ann(db: None) -> Any:
    """A user."""
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def bob(db: None) -> Any:
    """Another user."""
    return get_user_model().objects.create_user("bob")


@pytest.fixture
def session(ann: Any) -> ChatSession:
    """A session of ann's."""
    return lifecycle.start(ann)


@pytest.fixture
def client_of() -> Callable[[Any], APIClient]:
    """Return a REST client that is logged in as a user."""

    def log_in(user: Any) -> APIClient:
        client = APIClient()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def state_of() -> Callable[[Subagent], str]:
    """Return the state of a subagent's row as it is now."""
    return lambda subagent: Subagent.objects.values_list("state", flat=True).get(pk=subagent.pk)


@pytest.fixture
def kinds_of() -> Callable[[ChatSession], list[str]]:
    """Return the kinds of a session's events, in order."""
    return lambda session: list(session.events.order_by("seq").values_list("kind", flat=True))


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Call functions at the same moment, each in a thread with its own connection; return the results."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        start = Barrier(len(functions), timeout=10)

        def call(function: Callable[[], Any]) -> Any:
            start.wait()
            try:
                return function()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(functions)) as threads:
            return list(threads.map(call, functions))

    return run


@pytest.fixture
def registered(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[liveness.Identity]:
    """This process as a worker of its host, until the test ends: nobody renews its lease."""
    settings.LEASE_SECONDS = 600.0
    if connection.in_atomic_block:
        # A thread that tells progress late would wait for the test's own transaction, and the test for it.
        monkeypatch.setattr(attempt, "STORE_SECONDS", 0.0)
        monkeypatch.setattr(attempt, "ANNOUNCE_SECONDS", 0.0)
    identity = liveness.register("agents", ("tools", "exports"))
    yield identity
    liveness.forget(identity)
    os.close(liveness._own.descriptor)
    liveness._own = liveness._Own()


@pytest.fixture(autouse=True)
def _no_kept_connections() -> Iterator[None]:
    """The feed keeps connections to the database; a test's must be gone when its tables are emptied."""
    yield
    threads.close_connections()


@pytest.fixture
async def async_views() -> AsyncIterator[None]:
    """Lets async views use the database; their thread's connection would keep it from being removed."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def hub(async_views: None) -> AsyncIterator[feed_hub.Hub]:
    """The hub of the test's loop; it ends with the test."""
    running = feed_hub.hub()
    yield running
    for task in running._tasks:
        task.cancel()
    await asyncio.gather(*running._tasks, return_exceptions=True)
    feed_hub._hubs.clear()
