"""I6: owners take turns; within an owner priority orders."""

import random

import pytest

from agents_app import admission, places, pool
from agents_app.models import PoolShare, Subagent
from sessions_app.models import ChatSession
from tests.agents import work


@pytest.fixture(autouse=True)
def _living_workers(db: None) -> None:
    work.workers()
    work.set_pool(paused=True)


def _next() -> Subagent:
    """Let the next one in, end it, and return it."""
    work.set_pool(cap=1, paused=False)
    assert admission.admit("tools") == 1
    work.set_pool(paused=True)
    subagent = Subagent.objects.get(state="admitted")
    assert work.succeed(subagent)
    return subagent


def _order(count: int) -> list[str]:
    return [_next().owner.username for _ in range(count)]


def _position(subagent: Subagent) -> int:
    place = places.of(subagent)
    assert place is not None
    return place.position


def _batch(session: ChatSession, count: int) -> None:
    """Queue many rows at once: through the door it would take a minute."""
    first = work.queue(session)
    rows = []
    for number in range(1, count):
        row = Subagent.objects.get(pk=first.pk)
        row.pk, row.seq = None, first.seq + number
        rows.append(row)
    for row in rows:
        row.pk = Subagent._meta.pk.get_default()
    Subagent.objects.bulk_create(rows)
    PoolShare.objects.filter(owner=session.owner).update(queued=count)


def test_behind_a_thousand_of_one_owner_anothers_first_takes_the_next_slot() -> None:
    _batch(work.owner("batch"), 1000)
    assert _order(3) == ["batch"] * 3
    single = work.queue(work.owner("single"))
    assert _position(single) == 1
    assert _next().pk == single.pk


def test_two_owners_with_work_waiting_take_turns() -> None:
    first, second = work.owner("first"), work.owner("second")
    for _ in range(12):
        work.queue(first)
    for _ in range(12):
        work.queue(second)
    order = _order(24)
    for end in range(1, 25):
        assert abs(order[:end].count("first") - order[:end].count("second")) <= 1


def test_five_owners_with_work_waiting_differ_by_at_most_one() -> None:
    sessions = [work.owner(f"owner{number}") for number in range(5)]
    for session in sessions:
        for _ in range(4):
            work.queue(session)
    order = _order(20)
    for end in range(1, 21):
        counts = [order[:end].count(f"owner{number}") for number in range(5)]
        assert max(counts) - min(counts) <= 1


def test_an_owner_who_comes_back_has_saved_up_no_turns() -> None:
    busy, idle = work.owner("busy"), work.owner("idle")
    work.queue(idle)
    for _ in range(14):
        work.queue(busy)
    _order(9)
    for _ in range(6):
        work.queue(idle)
    order = _order(8)
    assert order.count("idle") == 4
    assert "busy" in order[:2]


def test_an_owner_who_sends_one_at_a_time_does_not_starve_a_batch() -> None:
    batch, single = work.owner("batch"), work.owner("single")
    for _ in range(10):
        work.queue(batch)
    order = []
    for _ in range(10):
        work.queue(single)
        order.append(_next().owner.username)
    assert 4 <= order.count("batch") <= 6


def test_cancelled_work_costs_its_owner_no_turn() -> None:
    first, second = work.owner("first"), work.owner("second")
    cancelled = [work.queue(first) for _ in range(5)]
    work.queue(first)
    for _ in range(2):
        work.queue(second)
    for subagent in cancelled:
        pool.cancel(subagent.pk)
    assert sorted(_order(2)) == ["first", "second"]


def test_priority_orders_within_the_owner_and_not_between_owners() -> None:
    mine, theirs = work.owner("mine"), work.owner("theirs")
    low, high, middle = (work.queue(mine, priority=priority) for priority in (0, 9, 5))
    work.queue(theirs, priority=-5)
    done = [_next() for _ in range(4)]
    assert [one.pk for one in done if one.owner.username == "mine"] == [high.pk, middle.pk, low.pk]
    assert "theirs" in [one.owner.username for one in done[:2]]


def test_equal_priority_goes_first_come_first_served(session: ChatSession) -> None:
    queued = [work.queue(session).pk for _ in range(5)]
    assert [_next().pk for _ in range(5)] == queued


@pytest.mark.parametrize("seed", range(12))
def test_the_position_told_is_the_place_in_the_real_order(seed: int) -> None:
    chance = random.Random(seed)
    sessions = [work.owner(f"owner{number}") for number in range(3)]
    for _ in range(chance.randrange(6)):
        work.queue(chance.choice(sessions))
        _next()
    for _ in range(9):
        work.queue(chance.choice(sessions), priority=chance.choice([0, 0, 1]))
    queued = Subagent.objects.filter(state="queued")
    told = {subagent.pk: _position(subagent) for subagent in queued}
    real = {_next().pk: place for place in range(1, len(told) + 1)}
    assert told == real


def test_what_is_not_queued_has_no_position(session: ChatSession) -> None:
    work.set_pool(paused=False)
    assert places.of(work.admitted(session)) is None
