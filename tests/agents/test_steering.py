"""What arrives while a turn runs joins its next step, once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app import pool
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.answering import answers, run
from tests.agents.model_server import calls, says
from tests.agents.under_way import Begin, begin, held
from tests.project.waiting import until

__all__ = ["begin"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
Kinds = Callable[[ChatSession], list[str]]


def _told(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], str(message.get("content"))[:12]) for message in body["messages"][1:]]


def test_a_message_joins_behind_the_results_of_the_step_that_runs(
    session: ChatSession, begin: Begin, tmp_path: Path, kinds_of: Kinds
) -> None:
    turn = begin(calls(("c1", "probe_held", held(tmp_path))), says("Both."))
    turn.wait_for_effect()
    joined = messages.post(session.pk, "And this")
    turn.gate.touch()
    assert turn.ended().state == "completed"
    told = _told(turn.server.asked[1])
    assert [role for role, _ in told] == ["user", "assistant", "tool", "user"]
    assert told[-1] == ("user", "And this")
    joined.refresh_from_db()
    assert (joined.turn_id, session.turns.count()) == (turn.turn.pk, 1)
    event = session.events.get(kind="message.joined")
    assert event.payload == {"turn_id": str(turn.turn.pk), "up_to_seq": joined.seq}
    assert [part["part_kind"] for part in turn.ended().steps[2]["parts"]] == ["tool-return", "user-prompt"]


def test_the_first_request_says_which_messages_it_took_up(session: ChatSession, begin: Begin) -> None:
    begin(says("Done.")).ended()
    started = session.events.get(kind="turn.started").payload
    assert started["up_to_seq"] == session.messages.get(role="user").seq


def test_the_result_of_a_subagent_joins_too(session: ChatSession, begin: Begin, tmp_path: Path) -> None:
    subagent = work.running(session, title="Count")
    turn = begin(calls(("c1", "probe_held", held(tmp_path))), says("Both."))
    turn.wait_for_effect()
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "Three."}))
    turn.gate.touch()
    assert turn.ended().state == "completed"
    assert "Three." in turn.server.asked[1]["messages"][-1]["content"]
    assert session.turns.count() == 1


def test_a_message_during_the_last_reply_is_answered_by_a_turn_of_its_own_that_knows_all(
    session: ChatSession, begin: Begin
) -> None:
    turn = begin(None, says("Two."))
    until(lambda: turn.server.asked)
    messages.post(session.pk, "And this")
    turn.stop()
    assert run(session).state == "completed"
    assert _told(turn.server.asked[1]) == [("user", "Hello"), ("user", "And this")]
    assert [answer.content for answer in answers(session)] == ["Two."]


def test_what_joined_is_known_to_later_turns_in_its_place(
    session: ChatSession, begin: Begin, tmp_path: Path
) -> None:
    turn = begin(calls(("c1", "probe_held", held(tmp_path))), says("Both."))
    turn.wait_for_effect()
    messages.post(session.pk, "And this")
    turn.gate.touch()
    turn.ended()
    messages.post(session.pk, "More")
    run(session)
    roles = [role for role, _ in _told(turn.server.asked[2])]
    assert roles == ["user", "assistant", "tool", "user", "assistant", "user"]


def test_a_turn_ends_at_its_limit_of_steps_with_a_clear_message(
    session: ChatSession, begin: Begin, settings: Any
) -> None:
    settings.TURN_MAX_STEPS = 3
    turn = begin(calls(("c1", "list_subagents", "{}")))
    error = turn.ended().error or {}
    assert (error["code"], len(turn.server.asked)) == ("too_many_steps", 3)
    assert "3 steps" in error["message"]
