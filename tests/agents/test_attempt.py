"""What a tool says while it runs: bounded in rate and size, heard no longer than the attempt is its own."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents_app import pool
from agents_app.attempt import Attempt, Told
from agents_app.context import Stopped
from agents_app.models import Subagent
from agents_app.registry import find_agent_type
from sessions_app.events import session_topic
from sessions_app.models import ChatSession
from tests.agents import work
from tests.project.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
Hear = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def subagent(session: ChatSession) -> Subagent:
    """A running subagent."""
    return work.running(session)


@pytest.fixture
def attempt(subagent: Subagent, tmp_path: Path) -> Iterator[Attempt]:
    """The context of its attempt."""
    running = Attempt(subagent, find_agent_type("tool_executor"), tmp_path)
    yield running
    running.end()


@pytest.fixture
def hear(session: ChatSession) -> Iterator[Hear]:
    """Return what was published on the session so far."""
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(session_topic(session.pk))
        pubsub.get_message(timeout=5)

        def heard() -> list[dict[str, Any]]:
            found = []
            while (message := pubsub.get_message(timeout=0.2)) is not None:
                found.append(json.loads(message["data"]))
            return found

        yield heard


def _for(seconds: float, do: Callable[[float], None]) -> None:
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        do(elapsed)
        time.sleep(0.001)


def test_progress_is_published_at_most_ten_times_a_second(attempt: Attempt, hear: Hear) -> None:
    _for(1.0, lambda elapsed: attempt.progress(elapsed * 100, "working", 1 - elapsed))
    told = [event["payload"]["progress"] for event in hear()]
    assert 5 <= len(told) <= 11
    assert told == sorted(told)


def test_progress_is_stored_at_most_once_a_second(
    attempt: Attempt, subagent: Subagent, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[Told] = []

    def store(told: Told) -> None:
        stored.append(told)
        attempt._store(told)

    monkeypatch.setattr(attempt._row, "_tell", store)
    _for(1.3, lambda elapsed: attempt.progress(elapsed * 10, "working"))
    assert len(stored) == 2
    attempt.end()
    assert work.fresh(subagent).progress == stored[-1].percent > 12


def test_the_last_progress_is_told_and_stored_also_if_the_tool_then_says_nothing(
    attempt: Attempt, subagent: Subagent, hear: Hear
) -> None:
    attempt.progress(1, "working")
    for percent in (2, 3, 57):
        attempt.progress(percent, "working")
    told = hear()
    assert [event["payload"]["progress"] for event in told] == [1, 57]
    until(lambda: work.fresh(subagent).progress == 57)


def test_the_end_of_the_work_tells_what_was_untold(attempt: Attempt, subagent: Subagent, hear: Hear) -> None:
    attempt.progress(1, "working")
    attempt.progress(99, "working")
    attempt.end()
    assert work.fresh(subagent).progress == 99
    assert [event["payload"]["progress"] for event in hear()] == [1, 99]


def test_a_new_stage_is_told_and_stored_at_once(attempt: Attempt, subagent: Subagent, hear: Hear) -> None:
    attempt.progress(10, "cloning")
    attempt.progress(30, "analyzing")
    assert [event["payload"]["stage"] for event in hear()] == ["cloning", "analyzing"]
    assert work.fresh(subagent).stage == "analyzing"


def test_a_tool_that_names_a_new_stage_each_time_floods_nobody(attempt: Attempt, hear: Hear) -> None:
    with CaptureQueriesContext(connection) as queries:
        for number in range(200):
            attempt.progress(1, f"file {number}")
    assert len(hear()) <= 20
    assert len([query for query in queries if query["sql"].startswith("UPDATE")]) <= 20


@pytest.mark.parametrize(
    ("percent", "shown"), [(-5, 0), (250, 100), (33.333, 33.3), (float("nan"), 0), (float("inf"), 100)]
)
def test_progress_is_always_a_number_from_0_to_100(
    attempt: Attempt, subagent: Subagent, hear: Hear, percent: float, shown: float
) -> None:
    attempt.progress(percent, "working")
    assert [event["payload"]["progress"] for event in hear()] == [shown]
    assert round(work.fresh(subagent).progress, 1) == shown


@pytest.mark.parametrize("seconds", [float("inf"), float("nan")])
def test_an_estimate_that_is_no_number_is_left_out(attempt: Attempt, hear: Hear, seconds: float) -> None:
    attempt.progress(1, "working", seconds)
    assert [event["payload"]["estimated_seconds_left"] for event in hear()] == [None]


@pytest.mark.parametrize("stage", ["x" * 5000, "a\ud800b", "a\x00b"])
def test_a_stage_of_any_kind_is_told_short(
    attempt: Attempt, subagent: Subagent, hear: Hear, stage: str
) -> None:
    attempt.progress(1, stage)
    assert len(hear()[0]["payload"]["stage"]) <= 100
    assert len(work.fresh(subagent).stage) <= 100


def test_progress_puts_the_idle_deadline_off(attempt: Attempt, subagent: Subagent) -> None:
    before = work.fresh(subagent).idle_deadline_at
    attempt.progress(1, "working")
    assert work.fresh(subagent).idle_deadline_at > before


def test_a_cancel_is_noticed_within_half_a_second(attempt: Attempt, subagent: Subagent) -> None:
    attempt.check()
    pool.cancel(subagent.pk)
    began = time.monotonic()
    with pytest.raises(Stopped):
        _for(2, lambda _: attempt.check())
    assert time.monotonic() - began < 0.5


def test_looking_is_cheap(attempt: Attempt) -> None:
    with CaptureQueriesContext(connection) as queries:
        for _ in range(1000):
            attempt.check()
    assert len(queries) == 1


def test_a_tool_that_swallows_exceptions_cannot_swallow_its_stop() -> None:
    assert not issubclass(Stopped, Exception)


@pytest.mark.parametrize(
    "say", [lambda one: one.check(), lambda one: one.progress(1, ""), lambda one: one.keep("")]
)
def test_an_attempt_that_was_superseded_is_stopped(
    attempt: Attempt, subagent: Subagent, say: Callable[[Attempt], None]
) -> None:
    pool.give_back(work.fresh(subagent))
    with pytest.raises(Stopped):
        say(attempt)


def test_a_superseded_attempt_changes_nothing_of_the_next_one(attempt: Attempt, subagent: Subagent) -> None:
    attempt.check()
    pool.give_back(work.fresh(subagent))
    attempt.progress(70, "late")
    attempt.keep("late")
    row = work.fresh(subagent)
    assert (row.attempt, row.progress, row.stage, row.result) == (2, 0, "", None)


def test_what_is_kept_is_the_partial_result(attempt: Attempt, subagent: Subagent) -> None:
    attempt.keep("a third", {"files": 1})
    attempt.keep("half", {"files": 2}, "# Half")
    row = work.fresh(subagent)
    assert row.result == {"summary": "half", "data": {"files": 2}, "partial": True}
    assert row.report == "# Half"


def test_what_is_kept_is_bounded_like_a_result(attempt: Attempt, subagent: Subagent) -> None:
    attempt.keep("half", {"text": "x" * 100}, "r" * 300_000)
    attempt.keep("more", {"text": "x" * 3_000_000})
    row = work.fresh(subagent)
    assert (row.result["summary"], len(row.report)) == ("half", 200_000)
