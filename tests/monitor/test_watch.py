"""What the keeper's watch tells staff: changes, and nothing while all stays as it is."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from agents_app import gateway
from agents_app.models import Pool, Worker
from agents_app.watch import Watch
from sessions_app.event_document.examples import example
from sessions_app.events import STAFF_TOPIC, announce_staff
from sessions_app.models import ChatSession
from sessions_app.payloads import STAFF
from tests.agents import work
from tests.conformity import assert_conforms
from tests.environment import free_port

Hear = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def heard() -> Iterator[Hear]:
    """Subscribe to the staff topic; the function returned returns what was published since, and checks it."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(STAFF_TOPIC)
        assert pubsub.get_message(timeout=5) is not None

        def listen() -> list[dict[str, Any]]:
            found = []
            while (message := pubsub.get_message(timeout=0.2)) is not None:
                found.append(json.loads(message["data"]))
                assert_conforms(found[-1])
            return found

        yield listen


def test_health_is_told_when_it_changes_and_only_then(
    everything_up: None, kill: Callable[[str], int], heard: Hear
) -> None:
    watch = Watch()
    watch.health()
    watch.health()
    assert heard() == []
    kill("chat")
    watch.health()
    watch.health()
    (event,) = heard()
    assert event["kind"] == "system.health_updated"
    assert event["payload"]["status"] == "unavailable"
    assert event["payload"]["components"]["chat"] == "unavailable"
    assert event["payload"]["reasons"] == {"chat": "No chat process is alive."}


def test_a_watch_survives_a_broker_that_is_away(everything_up: None, settings: Any) -> None:
    watch = Watch()
    watch.health()
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    watch.health()
    watch.movements()


def test_pools_and_workers_are_told_when_they_move(
    everything_up: None, session: ChatSession, heard: Hear
) -> None:
    watch = Watch()
    watch.movements()
    work.running(session)
    new = work.workers(1)[0]
    gone = Worker.objects.get(kind="beat")
    gone_id = str(gone.pk)
    gone.delete()
    watch.movements()
    watch.movements()
    told = {event["kind"]: event["payload"] for event in heard()}
    assert set(told) == {"pool.status_changed", "worker.started", "worker.lost"}
    assert (told["pool.status_changed"]["pool"], told["pool.status_changed"]["running"]) == ("tools", 1)
    assert told["worker.started"]["worker_id"] == str(new.pk)
    assert told["worker.lost"]["worker_id"] == gone_id


def test_a_queue_that_fills_up_is_told_once(everything_up: None, session: ChatSession, heard: Hear) -> None:
    gateway.change_pool("tools", {"cap": 1, "queue_limit": 2})
    work.running(session)
    work.queue(session)
    watch = Watch()
    watch.movements()
    work.queue(session)
    for _ in range(3):
        watch.movements()
    kinds = [event["kind"] for event in heard()]
    assert kinds.count("pool.queue_full") == 1
    Pool.objects.update(queue_limit=5)
    watch.movements()
    assert "pool.queue_full" not in [event["kind"] for event in heard()]


def test_staff_events_carry_no_seq_and_their_kinds_are_known(heard: Hear) -> None:
    announce_staff("worker.lost", example("worker.lost")["payload"])
    (event,) = heard()
    assert set(event) == {"kind", "payload", "created_at"}
    assert "worker.lost" in STAFF
    with pytest.raises(ValueError, match=r"session\.started"):
        announce_staff("session.started", {})
