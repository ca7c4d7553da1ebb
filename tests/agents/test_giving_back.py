"""I4: what a dead process was running goes on, ends, or is told to have been lost."""

from collections.abc import Callable

import pytest

from agents_app import admission, pool
from agents_app.models import Subagent
from sessions_app.models import ChatSession
from tests.agents import work


def _restart(subagent: Subagent) -> Subagent:
    admission.admit("tools")
    started = pool.start(subagent.pk, work.fresh(subagent).attempt, work.worker().pk)
    assert started is not None
    return started


def test_safe_work_is_queued_again_under_the_next_attempt(
    session: ChatSession, kinds_of: Callable[[ChatSession], list[str]]
) -> None:
    subagent = work.running(session)
    pool.give_back(work.fresh(subagent))
    again = work.fresh(subagent)
    assert (again.state, again.attempt, again.worker) == ("queued", 2, None)
    assert [ended["code"] for ended in again.attempts] == ["worker_lost"]
    assert (again.started_at, again.deadline_at, again.idle_deadline_at, again.sent_at) == (None,) * 4
    assert kinds_of(session)[-1] == "subagent.queued"


def test_a_new_attempt_shows_no_progress_of_the_dead_one(session: ChatSession) -> None:
    subagent = work.running(session)
    Subagent.objects.update(progress=70, stage="analyzing", estimated_seconds_left=3)
    pool.give_back(work.fresh(subagent))
    told = session.events.filter(kind="subagent.queued").latest("seq").payload
    assert (told["progress"], told["stage"], told["estimated_seconds_left"]) == (0, "", None)


def test_work_that_must_not_be_repeated_fails_as_lost(session: ChatSession) -> None:
    subagent = work.running(session, safe=False)
    pool.give_back(work.fresh(subagent))
    ended = work.fresh(subagent)
    assert (ended.state, ended.attempt) == ("failed", 1)
    assert ended.error["code"] == "worker_lost"


def test_a_cancel_that_was_asked_for_is_honoured(session: ChatSession) -> None:
    subagent = work.running(session)
    pool.cancel(subagent.pk)
    pool.give_back(work.fresh(subagent))
    assert work.fresh(subagent).state == "cancelled"


def test_the_third_death_fails_it_and_says_how_often_it_was_tried(session: ChatSession) -> None:
    subagent = work.running(session)
    for attempt in (2, 3):
        pool.give_back(work.fresh(subagent))
        subagent = _restart(subagent)
        assert subagent.attempt == attempt
    pool.give_back(work.fresh(subagent))
    ended = work.fresh(subagent)
    assert (ended.state, ended.error["code"]) == ("failed", "worker_lost")
    assert "3 times" in ended.error["message"]
    assert [one["attempt"] for one in ended.attempts] == [1, 2, 3]


def test_giving_back_twice_moves_it_once(session: ChatSession) -> None:
    subagent = work.fresh(work.running(session))
    pool.give_back(subagent)
    pool.give_back(subagent)
    assert work.fresh(subagent).attempt == 2


def test_a_cancel_between_the_look_and_the_change_is_not_overrun(session: ChatSession) -> None:
    looked_at = work.fresh(work.running(session))
    pool.cancel(looked_at.pk)
    pool.give_back(looked_at)
    assert work.fresh(looked_at).state == "running"
    pool.give_back(work.fresh(looked_at))
    assert work.fresh(looked_at).state == "cancelled"


def test_a_new_attempt_has_its_whole_time_to_wait_again(session: ChatSession) -> None:
    subagent = work.running(session)
    before = subagent.queue_deadline_at
    pool.give_back(work.fresh(subagent))
    assert work.fresh(subagent).queue_deadline_at > before


@pytest.mark.parametrize("safe", [True, False])
def test_the_partial_result_is_kept(session: ChatSession, safe: bool) -> None:
    subagent = work.running(session, safe=safe)
    Subagent.objects.update(result={"summary": "half", "partial": True}, report="# Half")
    pool.give_back(work.fresh(subagent))
    row = work.fresh(subagent)
    assert (row.result, row.report) == ({"summary": "half", "partial": True}, "# Half")
