"""I1 and I5: never more than the cap at once; the queue is bounded."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from agents_app import admission, pool, statements
from agents_app.models import Pool, Subagent, Worker
from agents_app.outcome import Outcome
from agents_app.pool_status import status_of
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work
from tests.project.waiting import until


def _occupying() -> int:
    return Subagent.objects.occupying().filter(pool_id="tools").count()


@pytest.mark.django_db(transaction=True)
def test_many_that_admit_at_once_never_exceed_the_cap(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    for _ in range(12):
        work.queue(session)
    work.workers(6)
    assert sum(together(*[lambda: admission.admit("tools")] * 6)) == 3
    assert _occupying() == 3


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_while_work_is_queued_started_and_ended_at_once(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    work.workers(6)
    excess: list[int] = []

    def churn() -> None:
        for _ in range(6):
            work.queue(session)
            excess.append(_occupying() - 3)
            subagent = Subagent.objects.filter(state="admitted").first()
            started = subagent and pool.start(subagent.pk, subagent.attempt, work.worker().pk)
            excess.append(_occupying() - 3)
            if started:
                pool.finish(started, Outcome(state=Subagent.State.SUCCEEDED))

    together(*[churn] * 4)
    assert max(excess) <= 0


def test_no_more_is_admitted_than_living_workers_can_carry(session: ChatSession) -> None:
    for _ in range(4):
        work.queue(session)
    assert admission.admit("tools") == 0
    work.workers(2)
    assert admission.admit("tools") == 2
    work.workers(4)
    assert admission.admit("tools") == 1


@pytest.mark.parametrize(
    "values",
    [
        {"lease_expires_at": timezone.now() - timedelta(seconds=1)},
        {"queues": " chat "},
        {"queues": " toolshed "},
        {"kind": "chat"},
    ],
)
def test_a_process_that_is_dead_or_serves_others_carries_nothing(
    session: ChatSession, values: dict[str, Any]
) -> None:
    work.queue(session)
    work.workers(3)
    Worker.objects.update(**values)
    assert admission.admit("tools") == 0


def test_what_is_over_its_queue_deadline_gets_no_slot_and_holds_up_nobody(session: ChatSession) -> None:
    late, other = work.queue(session), work.queue(session)
    Subagent.objects.filter(pk=late.pk).update(queue_deadline_at=timezone.now())
    work.set_pool(cap=1)
    work.workers()
    assert admission.admit("tools") == 1
    assert (work.fresh(late).state, work.fresh(other).state) == ("queued", "admitted")


def test_a_paused_pool_admits_nothing_until_it_goes_on(session: ChatSession) -> None:
    work.workers()
    work.queue(session)
    work.set_pool(paused=True)
    assert admission.admit("tools") == 0
    work.set_pool(paused=False)
    assert admission.admit("tools") == 1


def test_a_raised_cap_lets_more_in_at_once(session: ChatSession) -> None:
    for _ in range(6):
        work.queue(session)
    work.workers()
    assert admission.admit("tools") == 3
    work.set_pool(cap=5)
    assert admission.admit("tools") == 2


def test_after_a_lowered_cap_the_count_only_falls(session: ChatSession) -> None:
    work.workers()
    for _ in range(6):
        work.queue(session)
    admission.admit("tools")
    work.set_pool(cap=1)
    for expected in (2, 1, 1, 1):
        assert work.succeed(Subagent.objects.filter(state="admitted").earliest("admitted_at"))
        admission.admit("tools")
        assert _occupying() == expected


def test_a_cap_of_zero_lets_nothing_in_and_can_be_shown(session: ChatSession) -> None:
    work.workers()
    work.queue(session)
    work.set_pool(cap=0)
    assert admission.admit("tools") == 0
    assert status_of(Pool.objects.get(pk="tools"))["utilization_percent"] == 0


def test_one_pool_does_not_take_from_another(session: ChatSession) -> None:
    for _ in range(4):
        work.queue(session)
        work.export(session)
    work.workers()
    assert admission.admit("tools") == 3
    assert admission.admit("exports") == 2


def test_a_full_queue_refuses_with_a_code_and_keeps_nothing(session: ChatSession) -> None:
    work.set_pool(queue_limit=2)
    work.queue(session)
    work.queue(session)
    before = session.events.count()
    with pytest.raises(Refusal) as refusal:
        work.queue(session)
    assert (refusal.value.code, refusal.value.status) == ("queue_full", 429)
    assert session.subagents.count() == 2
    assert session.events.count() == before


def test_a_queue_that_has_moved_takes_work_again(session: ChatSession) -> None:
    work.set_pool(queue_limit=1, cap=1)
    work.admitted(session)
    work.queue(session)
    with pytest.raises(Refusal):
        work.queue(session)


def test_status_counts_what_is_there(session: ChatSession) -> None:
    for _ in range(5):
        work.queue(session)
    work.workers()
    admission.admit("tools")
    first, second, _ = Subagent.objects.filter(state="admitted").order_by("queued_at")
    assert work.succeed(first)
    pool.start(second.pk, 1, work.worker().pk)
    status = status_of(Pool.objects.get(pk="tools"))
    assert status["max_concurrent"] == status["capacity"] == 3
    assert (status["queue_length"], status["admitted"], status["active_workers"]) == (1, 2, 1)
    assert (status["total_completed"], status["total_failed"]) == (1, 0)
    assert status["utilization_percent"] == 33.3
    assert [row["subagent_id"] for row in status["workers"]] == [str(second.pk)]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_nobody_is_admitted_while_another_admission_is_under_way(session: ChatSession) -> None:
    work.workers(6)
    assert work.succeed(work.admitted(session))  # from then on the owner takes part in the rounds

    def queue() -> Subagent:
        try:
            return work.queue(session)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            statements.lock("tools")
            submitted = threads.submit(queue)
            until(lambda: session.subagents.count() == 2)
            assert work.states(session) == ["succeeded", "queued"]
        submitted.result(10)
    assert work.states(session) == ["succeeded", "admitted"]
