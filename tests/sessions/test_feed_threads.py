"""The feed's few threads keep their connections to the database, and survive the loss of one."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from sessions_app.feed import threads
from sessions_app.models import ChatSession

pytestmark = pytest.mark.django_db(transaction=True)


def _failing(times: int, error: type[Exception]) -> Callable[[], int]:
    """Return a query that fails so often, as over a lost connection, and then counts the sessions."""
    left = [times]

    def query() -> int:
        connection.ensure_connection()
        if left[0]:
            left[0] -= 1
            raise error
        return ChatSession.objects.count()

    return query


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
async def test_a_connection_that_was_lost_is_replaced(session: ChatSession, error: type[Exception]) -> None:
    assert await threads.in_thread(_failing(1, error))() == 1


async def test_a_database_that_is_away_is_an_error_and_the_next_query_begins_anew(
    session: ChatSession,
) -> None:
    with pytest.raises(OperationalError):
        await threads.in_thread(_failing(2, OperationalError))()
    assert await threads.in_thread(ChatSession.objects.count)() == 1


async def test_any_other_error_is_not_asked_again(session: ChatSession) -> None:
    asked: list[int] = []

    def query() -> None:
        asked.append(1)
        raise LookupError

    with pytest.raises(LookupError):
        await threads.in_thread(query)()
    assert len(asked) == 1


async def test_connections_are_kept_and_closed_with_the_threads(session: ChatSession) -> None:
    kept = await threads.in_thread(_raw_connection)()
    others = [await threads.in_thread(_raw_connection)() for _ in range(3 * threads.THREADS)]
    assert len({id(raw) for raw in [kept, *others]}) <= threads.THREADS
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("feed")]
    assert 1 <= len(names) <= threads.THREADS
    threads.close_connections()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("feed")]
    with pytest.raises(Exception, match="closed"):
        kept.execute("SELECT 1")


def _raw_connection() -> Any:
    connection.ensure_connection()
    return connection.connection
