"""How many wait, and how long that will take: exact counts, honest estimates."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from agents_app import admission, places, pool
from agents_app.maintenance.jobs.queue_counts import check_queue_counts
from agents_app.models import Pool, PoolShare, Subagent
from agents_app.outcome import Outcome
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work

SUCCESS = Outcome(state=Subagent.State.SUCCEEDED)


def _counted() -> dict[str, int]:
    return dict(PoolShare.objects.filter(pool="tools").values_list("owner__username", "queued"))


def _waiting(owner: str) -> int:
    return Subagent.objects.filter(owner__username=owner, state="queued").count()


def test_every_way_into_and_out_of_the_queue_is_counted(session: ChatSession) -> None:
    work.set_pool(cap=1)
    rows = [work.queue(session) for _ in range(5)]
    assert _counted() == {"ann": 5}
    pool.cancel(rows[4].pk)
    assert _counted() == {"ann": 4}
    work.workers()
    admission.admit("tools")
    assert _counted() == {"ann": 3}
    started = pool.start(rows[0].pk, 1, work.worker().pk)
    assert started is not None
    work.set_pool(paused=True)
    pool.give_back(work.fresh(started))
    assert _counted() == {"ann": 4}
    pool.expire(timezone.now() + timedelta(hours=1))
    assert _counted() == {"ann": 0}
    assert _waiting("ann") == 0


@pytest.mark.django_db(transaction=True)
def test_the_counts_are_right_after_everything_happened_at_once(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    other = work.owner("bob")
    work.workers(6)

    def churn(mine: ChatSession, number: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(6):
                submitted = work.queue(mine, priority=number)
                if number % 2:
                    pool.cancel(submitted.pk)
                row = Subagent.objects.filter(state="admitted").order_by("?").first()
                started = row and pool.start(row.pk, row.attempt, work.worker().pk)
                if started and number % 3:
                    pool.finish(started, SUCCESS)
                elif started:
                    pool.give_back(started)

        return run

    together(*[churn(mine, number) for number in range(3) for mine in (session, other)])
    assert _counted() == {"ann": _waiting("ann"), "bob": _waiting("bob")}


@pytest.mark.django_db(transaction=True)
def test_many_that_submit_at_once_never_exceed_the_limit(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    sessions = [work.owner(f"owner{number}") for number in range(6)]
    work.set_pool(queue_limit=7)

    def submit(mine: ChatSession) -> Callable[[], int]:
        def run() -> int:
            refused = 0
            for _ in range(4):
                try:
                    work.queue(mine)
                except Refusal as refusal:
                    refused += refusal.code == "queue_full"
            return refused

        return run

    assert sum(together(*map(submit, sessions))) == 24 - 7
    assert Subagent.objects.filter(state="queued").count() == 7


def test_counts_that_differ_from_the_queue_are_set_right_by_maintenance(session: ChatSession) -> None:
    work.queue(session)
    work.queue(work.owner("bob"))
    PoolShare.objects.filter(owner=session.owner).update(queued=40)
    assert check_queue_counts().line.startswith("1 ")
    assert _counted() == {"ann": 1, "bob": 1}
    assert check_queue_counts().line.startswith("0 ")


def _ended_after(session: ChatSession, seconds: float) -> None:
    subagent = work.running(session)
    Subagent.objects.filter(pk=subagent.pk).update(started_at=F("started_at") - timedelta(seconds=seconds))
    assert pool.finish(work.fresh(subagent), SUCCESS)


def test_the_wait_is_told_from_how_long_the_last_work_took(session: ChatSession) -> None:
    work.set_pool(cap=2)
    for seconds in (20, 40):
        _ended_after(session, seconds)
    admission.learn_durations()
    assert Pool.objects.get(pk="tools").typical_seconds == pytest.approx(30, abs=0.5)
    rows = [work.queue(session) for _ in range(5)]
    waits = [place and place.wait_seconds for place in map(places.of, map(work.fresh, rows))]
    assert waits[:2] == [None, None]  # they were admitted
    assert waits[2:] == pytest.approx([15, 30, 45], abs=1)


def test_no_wait_is_told_where_nothing_can_be_known(session: ChatSession) -> None:
    place = places.of(work.queue(session))
    assert place is not None
    assert (place.position, place.wait_seconds) == (1, None)
    Pool.objects.update(typical_seconds=10)
    assert places.of(work.fresh(session.subagents.get())) == place  # no worker lives


def test_places_of_many_are_those_of_each_and_cost_few_queries(
    session: ChatSession, client_of: Callable[[Any], APIClient]
) -> None:
    for number in range(12):
        work.queue(session, priority=number % 3)
        work.queue(work.owner("bob"))
    rows = list(session.subagents.all())
    with CaptureQueriesContext(connection) as queries:
        found = places.of_all(rows)
    assert len(queries) <= 3
    assert found == {row.pk: places.of(row) for row in rows}
    listed = (
        client_of(session.owner).get("/api/subagents/", {"session_id": str(session.pk)}).json()["results"]
    )
    assert {row["subagent_id"]: row["queue_position"] for row in listed} == {
        str(key): place.position for key, place in found.items()
    }


def test_the_first_of_each_owner_have_the_places_of_each(session: ChatSession) -> None:
    for _ in range(places.SHOWN_AN_OWNER + 5):
        work.queue(session)
    work.queue(work.owner("bob"))
    first = places.first_of_each_owner("tools")
    assert len(first) == places.SHOWN_AN_OWNER + 1
    for key, (_, place) in first.items():
        assert places.of(Subagent.objects.get(pk=key)) == place
