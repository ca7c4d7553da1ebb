"""Fixtures of the tests of sessions and their feed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from django.conf import settings

from sessions_app import events
from sessions_app.events import session_topic
from sessions_app.models import ChatSession
from sessions_app.publisher import Publisher
from tests.environment import free_port


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """A connection to the tests' broker."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def listen(broker: redis.Redis) -> Iterator[Callable[[ChatSession], Callable[[], str | None]]]:
    """Subscribe to a session; the function returned returns what is heard next, None after 0.3 s."""
    with ExitStack() as open_subscriptions:

        def subscribe(session: ChatSession) -> Callable[[], str | None]:
            pubsub = open_subscriptions.enter_context(broker.pubsub())
            pubsub.subscribe(session_topic(session.pk))
            assert pubsub.get_message(timeout=5) is not None  # the subscription itself

            def hear() -> str | None:
                message = pubsub.get_message(timeout=0.3)
                return None if message is None else str(message["data"].decode())

            return hear

        yield subscribe


@pytest.fixture
def dead_broker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the broker is away."""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(events, "_publisher", Publisher())
