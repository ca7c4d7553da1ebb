"""Events are told to whoever listens, after the commit, and never at the cost of the work."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.db import transaction

from sessions_app.events import announce, session_change
from sessions_app.models import ChatSession
from sessions_app.publisher import Publisher
from tests.broker import start_broker
from tests.postgres import free_port

Listen = Callable[[ChatSession], Callable[[], str | None]]


@pytest.mark.django_db(transaction=True)
def test_a_subscriber_hears_an_event_only_after_its_commit(session: ChatSession, listen: Listen) -> None:
    hear = listen(session)
    with session_change(session.pk) as change:
        change.record("session.updated", {"title": "été"})
        assert hear() is None
    event = json.loads(hear() or "")
    assert (event["seq"], event["kind"], event["payload"]) == (2, "session.updated", {"title": "été"})
    assert event["session_id"] == str(session.pk)
    assert set(event) == {"session_id", "seq", "kind", "payload", "created_at"}


@pytest.mark.django_db(transaction=True)
def test_a_change_inside_a_larger_one_is_published_when_that_is_committed(
    session: ChatSession, listen: Listen
) -> None:
    hear = listen(session)
    with transaction.atomic():
        with session_change(session.pk) as change:
            change.record("session.updated", {})
        assert hear() is None
    assert hear() is not None


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_publishes_nothing(session: ChatSession, listen: Listen) -> None:
    hear = listen(session)
    with pytest.raises(RuntimeError), session_change(session.pk) as change:
        change.record("session.updated", {})
        raise RuntimeError
    assert hear() is None


@pytest.mark.django_db(transaction=True)
def test_events_are_published_before_what_was_asked_for_afterwards(
    session: ChatSession, listen: Listen
) -> None:
    hear = listen(session)
    heard: list[str | None] = []
    with session_change(session.pk) as change:
        change.record("session.updated", {})
        change.afterwards(lambda: heard.append(hear()))
    assert len(heard) == 1
    assert heard[0] is not None


def test_an_ephemeral_event_has_no_seq(session: ChatSession, listen: Listen) -> None:
    hear = listen(session)
    announce(session.pk, "message.delta", {"message_id": "m", "generation": 1, "offset": 0, "text": "a"})
    event = json.loads(hear() or "")
    assert event["kind"] == "message.delta"
    assert "seq" not in event


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("dead_broker")
def test_a_broker_that_is_away_costs_neither_the_change_nor_a_second(session: ChatSession) -> None:
    began = time.monotonic()
    with session_change(session.pk) as change:
        change.record("session.updated", {})
    assert session.events.count() == 2
    assert time.monotonic() - began < 1


@pytest.mark.usefixtures("dead_broker")
def test_progress_with_the_broker_away_does_not_hold_up_the_work() -> None:
    began = time.monotonic()
    announce(uuid4(), "message.delta", {"text": "a"})
    assert time.monotonic() - began < 1


def test_what_is_published_after_a_restart_of_the_broker_is_heard(settings: Any, tmp_path: Path) -> None:
    port = free_port()
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    publisher = Publisher()
    for text in ("before", "after", "after the next"):
        broker = start_broker(port, tmp_path)
        with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as subscription:
            subscription.subscribe("topic")
            assert subscription.get_message(timeout=2) is not None
            publisher.publish("topic", [text])
            heard = subscription.get_message(timeout=2)
        assert heard is not None
        assert heard["data"] == text.encode()
        broker.kill()
        broker.wait()
