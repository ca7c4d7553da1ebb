"""Turns: one at a time, none twice, none forgotten."""

from collections.abc import Callable
from typing import Any

import pytest

from agents_app import turn_requests, turn_sections, turns
from agents_app.models import ModelProvider, Turn
from sessions_app import lifecycle, messages
from sessions_app.events import session_change
from sessions_app.models import ChatSession, Message
from tests.agents import work

Kinds = Callable[[ChatSession], list[str]]
State = Turn.State


def _claimed(session: ChatSession, text: str = "Hello") -> Turn:
    messages.post(session.pk, text)
    waiting = session.turns.get(state="queued")
    turn = turns.claim(waiting.pk, waiting.attempt, work.worker().pk)
    assert turn is not None
    return turn


def _fresh(turn: Turn) -> Turn:
    return Turn.objects.get(pk=turn.pk)


def test_a_message_asks_for_a_turn_of_the_servers_model(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    turn = session.turns.get()
    assert (turn.state, turn.model, turn.attempt) == ("queued", "demo", 1)


def test_a_session_with_a_model_of_its_own_is_answered_by_it(ann: Any) -> None:
    ModelProvider.objects.create(name="openai", kind="openai", offered="other")
    session = lifecycle.start(ann, model="openai:other")
    messages.post(session.pk, "Hello")
    assert session.turns.get().model == "openai:other"


def test_further_messages_ask_for_no_second_turn(session: ChatSession) -> None:
    _claimed(session)
    messages.post(session.pk, "And this")
    assert session.turns.count() == 1


@pytest.mark.django_db(transaction=True)
def test_messages_at_the_same_moment_ask_for_one_turn(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    together(*[lambda: messages.post(session.pk, "Hello")] * 5)
    assert session.turns.count() == 1


def test_a_turn_takes_up_all_that_waits(session: ChatSession) -> None:
    messages.post(session.pk, "One")
    messages.post(session.pk, "Two")
    turn = turns.claim(session.turns.get().pk, 1, work.worker().pk)
    assert turn is not None
    assert set(session.messages.values_list("turn_id", flat=True)) == {turn.pk}


@pytest.mark.parametrize("attempt", [0, 2])
def test_another_attempts_message_claims_nothing(session: ChatSession, attempt: int) -> None:
    messages.post(session.pk, "Hello")
    assert turns.claim(session.turns.get().pk, attempt, work.worker().pk) is None


def test_a_turn_is_claimed_once(session: ChatSession, kinds_of: Kinds) -> None:
    turn = _claimed(session)
    assert turns.claim(turn.pk, 1, work.worker().pk) is None
    assert turns.claim(work.NOBODY, 1, work.worker().pk) is None
    assert kinds_of(session).count("turn.started") == 1


def test_a_turn_ends_once_and_asks_for_the_next_if_messages_wait(
    session: ChatSession, kinds_of: Kinds
) -> None:
    turn = _claimed(session)
    messages.post(session.pk, "And this")
    assert turns.finish(turn, State.COMPLETED)
    assert not turns.finish(turn, State.FAILED, {"code": "x", "message": "y"})
    assert sorted(session.turns.values_list("state", flat=True)) == ["completed", "queued"]
    assert kinds_of(session)[-1] == "turn.completed"


def test_a_turn_that_ends_with_nothing_waiting_is_the_last(session: ChatSession) -> None:
    turns.finish(_claimed(session), State.COMPLETED)
    assert session.turns.count() == 1


def test_an_older_attempt_can_neither_store_write_nor_end(session: ChatSession) -> None:
    old = _claimed(session)
    turns.give_back(_fresh(old))
    assert not turns.store_steps(old, ["late"])
    assert turns.begin_text(old) is None
    assert not turns.finish(old, State.COMPLETED)
    assert turns.must_stop(old)
    assert (_fresh(old).state, _fresh(old).steps) == ("queued", [])


def test_a_queued_turn_is_stopped_at_once_and_what_it_would_answer_is_dealt_with(
    session: ChatSession, kinds_of: Kinds
) -> None:
    messages.post(session.pk, "Hello")
    assert turns.stop(session.turns.get().pk).state == "cancelled"
    assert session.turns.count() == 1
    assert not session.messages.unanswered().exists()
    assert kinds_of(session)[-1] == "turn.cancelled"


def test_a_running_turn_is_asked_to_stop(session: ChatSession) -> None:
    turn = _claimed(session)
    assert not turns.must_stop(turn)
    assert turns.stop(turn.pk).state == "running"
    assert turns.must_stop(turn)


def test_a_stop_that_crosses_a_hand_over_is_not_lost(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = _claimed(session)
    looked_at = _fresh(turn)
    turns.hand_over(turn)
    looks = iter([looked_at])
    monkeypatch.setattr(turns, "_get", lambda turn_id: next(looks, None) or Turn.objects.get(pk=turn_id))
    stopped = turns.stop(turn.pk)
    assert stopped.state == "cancelled" or stopped.stop_requested_at is not None


def test_an_ended_turn_stays_as_it_is(session: ChatSession) -> None:
    turn = _claimed(session)
    turns.finish(turn, State.COMPLETED)
    assert turns.stop(turn.pk).state == "completed"


def test_the_turn_of_a_dead_process_goes_on_under_the_next_attempt(session: ChatSession) -> None:
    turn = _claimed(session)
    turns.store_steps(turn, [{"step": 1}])
    turns.give_back(_fresh(turn))
    again = _fresh(turn)
    assert (again.state, again.attempt, again.worker, again.steps) == ("queued", 2, None, [{"step": 1}])


def test_a_dead_turn_that_was_asked_to_stop_is_cancelled(session: ChatSession) -> None:
    turn = _claimed(session)
    turns.stop(turn.pk)
    turns.give_back(_fresh(turn))
    assert _fresh(turn).state == "cancelled"


def test_the_third_death_of_a_turn_fails_it_and_the_chat_goes_on(session: ChatSession) -> None:
    turn = _claimed(session)
    for attempt in (2, 3):
        turns.give_back(_fresh(turn))
        assert turns.claim(turn.pk, attempt, work.worker().pk) is not None
    messages.post(session.pk, "Are you there?")
    turns.give_back(_fresh(turn))
    ended = _fresh(turn)
    assert (ended.state, (ended.error or {})["code"]) == ("failed", "worker_lost")
    assert session.turns.filter(state="queued").count() == 1


def test_shutdowns_of_healthy_workers_do_not_count_as_deaths(session: ChatSession) -> None:
    turn = _claimed(session)
    for attempt in (2, 3, 4):
        turns.hand_over(_fresh(turn))
        assert turns.claim(turn.pk, attempt, work.worker().pk) is not None
    turns.give_back(_fresh(turn))
    assert _fresh(turn).state == "queued"


def test_a_draft_is_taken_over_under_a_new_generation(session: ChatSession) -> None:
    turn = _claimed(session)
    draft = turns.begin_text(turn)
    assert draft is not None
    messages.save_draft(draft.pk, 1, "half a sen")
    turns.give_back(_fresh(turn))
    again = turns.claim(turn.pk, 2, work.worker().pk)
    assert again is not None
    taken = turns.begin_text(again)
    assert taken is not None
    assert (taken.pk, taken.generation, taken.content) == (draft.pk, 2, "")
    assert not messages.save_draft(draft.pk, 1, "from the dead")


def test_the_text_of_a_turn_that_was_stopped_is_kept_as_interrupted(session: ChatSession) -> None:
    turn = _claimed(session)
    draft = turns.begin_text(turn)
    assert draft is not None
    messages.save_draft(draft.pk, 1, "half a sen")
    turns.finish(turn, State.CANCELLED)
    message = Message.objects.get(pk=draft.pk)
    assert (message.state, message.content) == ("interrupted", "half a sen")


def test_the_steps_and_the_text_of_a_step_are_stored_together_or_not_at_all(session: ChatSession) -> None:
    turn = _claimed(session)
    draft = turns.begin_text(turn)
    assert draft is not None
    turns.give_back(_fresh(turn))
    assert not turns.store_steps(turn, ["late"], (draft, "late"))
    assert Message.objects.get(pk=draft.pk).state == "streaming"


def test_a_result_in_a_stopped_session_asks_for_no_turn(session: ChatSession) -> None:
    lifecycle.stop(session.pk)
    with session_change(session.pk) as change:
        turn_requests.request(change)
    assert not session.turns.exists()


def test_the_snapshot_shows_the_unfinished_turn_and_how_earlier_ones_failed(session: ChatSession) -> None:
    turn = _claimed(session)
    shown = turn_sections.unfinished(session.pk)
    assert shown is not None
    assert (shown["turn_id"], shown["state"]) == (str(turn.pk), "running")
    turns.finish(turn, State.FAILED, {"code": "model_error", "message": "No."})
    assert turn_sections.unfinished(session.pk) is None
    notice = turn_sections.notices(session.pk)[0]
    assert (notice["kind"], notice["error"]) == ("failed", {"code": "model_error", "message": "No."})
