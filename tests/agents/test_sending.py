"""Messages to workers: sent again at growing intervals, and never worth a failure."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from agents_app import admission, turn_requests
from agents_app.models import Subagent, Turn
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents import work


@pytest.fixture
def tools_queue() -> Iterator[redis.Redis]:
    """The broker with its queues emptied."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.delete("tools", "chat")
        yield broker


def _sent(broker: redis.Redis, queue: str) -> list[Any]:
    raw = broker.lrange(queue, 0, -1)
    assert isinstance(raw, list)
    bodies = [base64.b64decode(json.loads(message)["body"]) for message in raw]
    return [json.loads(body)[0] for body in bodies]


def _times(again: Any, begin: datetime, until: int) -> list[int]:
    """Return at which whole seconds `again` changes when a message was last sent."""
    times = []
    for second in range(1, until):
        before = _sent_at()
        again(begin + timedelta(seconds=second))
        if _sent_at() != before:
            times.append(second)
    return times


def _sent_at() -> Any:
    return Subagent.objects.values_list("sent_at", flat=True).first() or (
        Turn.objects.values_list("sent_at", flat=True).first()
    )


def test_the_message_names_the_row_and_its_attempt(session: ChatSession, tools_queue: redis.Redis) -> None:
    subagent = work.admitted(session)
    assert _sent(tools_queue, "tools") == [[str(subagent.pk), 1]]


def test_a_message_is_sent_again_after_5_s_then_at_doubling_intervals_up_to_a_minute(
    session: ChatSession,
) -> None:
    subagent = work.admitted(session)
    assert subagent.sent_at is not None
    times = _times(admission.send_again, subagent.sent_at, 300)
    assert times[0] == 5
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 60
    assert len(times) <= 9


def test_what_started_is_not_sent_again(session: ChatSession, tools_queue: redis.Redis) -> None:
    work.running(session)
    admission.send_again(timezone.now() + timedelta(minutes=5))
    assert len(_sent(tools_queue, "tools")) == 1


def test_two_keepers_at_once_send_once(session: ChatSession, tools_queue: redis.Redis) -> None:
    work.admitted(session)
    later = timezone.now() + timedelta(seconds=6)
    admission.send_again(later)
    admission.send_again(later)
    assert len(_sent(tools_queue, "tools")) == 2


def test_turns_are_sent_again_at_growing_intervals_too(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    begin = session.turns.get().sent_at
    assert begin is not None
    times = _times(turn_requests.send_again, begin, 120)
    assert times[0] == 5
    assert len(times) <= 7


@pytest.mark.django_db(transaction=True)
def test_a_wiped_broker_loses_no_work(session: ChatSession, tools_queue: redis.Redis) -> None:
    work.workers()
    subagent = work.queue(session)
    tools_queue.flushdb()
    admission.send_again(timezone.now() + timedelta(seconds=6))
    assert _sent(tools_queue, "tools") == [[str(subagent.pk), 1]]
