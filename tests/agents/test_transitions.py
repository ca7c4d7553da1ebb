"""I2: each transition happens once, from where it may, and is told in order."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents_app import pool, submissions
from agents_app.models import Subagent, Worker
from agents_app.outcome import Outcome
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work

State = Subagent.State
SUCCESS = Outcome(state=State.SUCCEEDED, result={"summary": "Done."})
Kinds = Callable[[ChatSession], list[str]]


def test_a_subagent_is_queued_admitted_started_and_ended(session: ChatSession, kinds_of: Kinds) -> None:
    subagent = work.running(session)
    assert pool.finish(subagent, SUCCESS)
    ended = work.fresh(subagent)
    assert (ended.state, ended.progress, ended.stage) == ("succeeded", 100, "complete")
    assert ended.queued_at <= ended.admitted_at <= ended.started_at <= ended.finished_at
    told = [kind for kind in kinds_of(session) if kind.startswith("subagent")]
    assert told == ["subagent.queued", "subagent.started", "subagent.completed"]


def test_the_events_tell_the_row_as_it_stood(session: ChatSession) -> None:
    subagent = work.running(session, args={"seconds": 1})
    pool.finish(subagent, SUCCESS)
    queued, started, completed = session.events.filter(kind__startswith="subagent").order_by("seq")
    assert (queued.payload["state"], queued.payload["queue_position"]) == ("queued", 1)
    assert queued.payload["seq"] == queued.seq
    assert (started.payload["state"], started.payload["args"]) == ("running", {"seconds": 1})
    assert started.payload["queue_ms"] >= 0
    assert completed.payload["result"]["summary"] == "Done."
    assert completed.payload["duration_ms"] >= 0


@pytest.mark.parametrize("attempt", [0, 2])
def test_another_attempts_message_starts_nothing(session: ChatSession, attempt: int) -> None:
    subagent = work.admitted(session)
    assert pool.start(subagent.pk, attempt, work.worker().pk) is None
    assert work.fresh(subagent).state == "admitted"


def test_a_duplicate_message_starts_nothing(session: ChatSession) -> None:
    subagent = work.running(session)
    assert pool.start(subagent.pk, 1, work.worker().pk) is None


def test_what_is_queued_or_unknown_is_not_started(session: ChatSession) -> None:
    assert pool.start(work.queue(session).pk, 1, work.worker().pk) is None
    assert pool.start(work.NOBODY, 1, work.worker().pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_that_start_at_once_one_does(
    session: ChatSession, together: Callable[..., list[Any]], kinds_of: Kinds
) -> None:
    subagent = work.admitted(session)
    worker_id = work.worker().pk
    started = together(*[lambda: pool.start(subagent.pk, 1, worker_id)] * 5)
    assert sum(one is not None for one in started) == 1
    assert kinds_of(session).count("subagent.started") == 1


def test_nothing_starts_after_its_queue_deadline(session: ChatSession) -> None:
    subagent = work.admitted(session)
    Subagent.objects.update(queue_deadline_at=timezone.now())
    assert pool.start(subagent.pk, 1, work.worker().pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_that_end_it_at_once_one_does(
    session: ChatSession, together: Callable[..., list[Any]], kinds_of: Kinds
) -> None:
    subagent = work.running(session)
    failure = Outcome(state=State.FAILED, error={"code": "timeout", "message": "Late."})
    ended = together(
        lambda: pool.finish(subagent, SUCCESS),
        lambda: pool.finish(subagent, failure),
        lambda: pool.give_back(subagent),
    )
    assert ended[:2].count(True) <= 1
    endings = {"subagent.completed", "subagent.failed", "subagent.queued"}
    assert len([kind for kind in kinds_of(session) if kind in endings]) == 2


def test_an_older_attempt_cannot_end_the_newer_one(session: ChatSession) -> None:
    old = work.running(session)
    pool.give_back(old)
    assert not pool.finish(old, SUCCESS)
    assert work.fresh(old).state in ("queued", "admitted")


@pytest.mark.parametrize("state", ["queued", "admitted"])
def test_what_does_not_run_cannot_be_ended_by_a_worker(session: ChatSession, state: str) -> None:
    subagent = work.queue(session) if state == "queued" else work.admitted(session)
    assert not pool.finish(subagent, SUCCESS)


@pytest.mark.parametrize("make", [work.queue, work.admitted])
def test_what_waits_is_cancelled_at_once(
    session: ChatSession, make: Callable[[ChatSession], Subagent], kinds_of: Kinds
) -> None:
    assert pool.cancel(make(session).pk).state == "cancelled"
    assert kinds_of(session)[-1] == "subagent.cancelled"


def test_a_running_one_is_asked_to_stop_and_keeps_its_slot(session: ChatSession) -> None:
    subagent = work.running(session)
    asked = pool.cancel(subagent.pk)
    assert (asked.state, asked.cancel_requested_at is not None) == ("running", True)
    again = pool.cancel(subagent.pk)
    assert again.cancel_requested_at == asked.cancel_requested_at


def test_a_final_one_stays_as_it_is(session: ChatSession, kinds_of: Kinds) -> None:
    subagent = work.running(session)
    pool.finish(subagent, SUCCESS)
    told = kinds_of(session)
    assert pool.cancel(subagent.pk).state == "succeeded"
    assert kinds_of(session) == told


def test_a_cancelled_one_keeps_its_partial_result(session: ChatSession) -> None:
    subagent = work.running(session)
    Subagent.objects.update(result={"summary": "half", "partial": True})
    pool.finish(subagent, Outcome(state=State.CANCELLED))
    assert work.fresh(subagent).result == {"summary": "half", "partial": True}


def test_only_ended_work_is_tried_again(session: ChatSession) -> None:
    subagent = work.running(session, args={"seconds": 1}, safe=False, timeout=7)
    with pytest.raises(Refusal) as refusal:
        submissions.retry(subagent.pk)
    assert (refusal.value.code, refusal.value.status) == ("not_final", 409)
    pool.finish(subagent, SUCCESS)
    again = submissions.retry(subagent.pk)
    assert again.pk != subagent.pk
    assert (again.args, again.safe_to_repeat, again.execution_timeout_seconds) == ({"seconds": 1}, False, 7)
    assert (again.state, again.attempt) == ("queued", 1)


def test_what_was_urgent_is_tried_again_as_urgently(session: ChatSession) -> None:
    subagent = work.queue(session, priority=5)
    pool.cancel(subagent.pk)
    assert submissions.retry(subagent.pk).priority == 5


def test_a_stopped_session_takes_no_work(session: ChatSession) -> None:
    lifecycle.stop(session.pk)
    with pytest.raises(Refusal) as refusal:
        work.queue(session)
    assert refusal.value.code == "session_not_active"


def test_the_same_key_queues_once(session: ChatSession) -> None:
    first = work.queue(session, key="a")
    assert work.queue(session, key="a").pk == first.pk
    assert work.queue(session, key="b").pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_queues_once(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    queued = together(*[lambda: work.queue(session, key="a").pk] * 5)
    assert len(set(queued)) == 1


def test_what_waits_too_long_fails_at_its_deadline(session: ChatSession) -> None:
    work.set_pool(cap=1)
    queued, admitted = work.admitted(session), work.queue(session)
    pool.expire(timezone.now())
    assert work.states(session) == ["admitted", "queued"]
    pool.expire(timezone.now() + timedelta(seconds=901))
    assert work.states(session) == ["failed", "failed"]
    for subagent in (queued, admitted):
        assert work.fresh(subagent).error["code"] == "queue_timeout"


def test_what_runs_is_not_failed_by_its_queue_deadline(session: ChatSession) -> None:
    work.running(session)
    pool.expire(timezone.now() + timedelta(days=1))
    assert work.states(session) == ["running"]


@pytest.mark.django_db(transaction=True)
def test_an_end_lets_the_next_one_in(session: ChatSession) -> None:
    work.workers()
    work.set_pool(cap=1)
    first, second = work.queue(session), work.queue(session)
    assert work.states(session) == ["admitted", "queued"]
    assert work.succeed(work.fresh(first))
    assert work.fresh(second).state == "admitted"


@pytest.mark.django_db(transaction=True)
def test_a_submit_admits_when_there_is_room_and_sends_the_message(session: ChatSession) -> None:
    work.workers()
    subagent = work.fresh(work.queue(session))
    assert (subagent.state, subagent.sent_at is not None) == ("admitted", True)


def test_a_process_that_is_not_known_starts_nothing(session: ChatSession) -> None:
    subagent = work.admitted(session)
    assert pool.start(subagent.pk, 1, work.NOBODY) is None
    assert work.fresh(subagent).state == "admitted"


def test_where_others_judge_by_leases_a_process_whose_lease_is_over_starts_nothing(
    session: ChatSession, settings: Any
) -> None:
    settings.SEVERAL_HOSTS = True
    subagent, worker = work.admitted(session), work.worker()
    Worker.objects.update(lease_expires_at=timezone.now())
    assert pool.start(subagent.pk, 1, worker.pk) is None
    assert work.fresh(subagent).state == "admitted"
