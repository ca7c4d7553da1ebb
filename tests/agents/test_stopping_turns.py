"""A stop ends a turn within two seconds, whatever it is at."""

import threading
from pathlib import Path
from typing import Any

import pytest

from sessions_app.models import ChatSession
from tests.agents.answering import answers
from tests.agents.model_server import calls, says
from tests.agents.under_way import Begin, UnderWay, begin, held
from tests.project.waiting import until

__all__ = ["begin"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]


def _stopped(turn: UnderWay) -> float:
    took = turn.stop()
    print(f"stopped after {took:.2f} s")
    assert turn.ended().state == "cancelled"
    return took


def _error_of_call(session: ChatSession) -> Any:
    call = session.tool_calls.get()
    assert call.state == "failed"
    return (call.error or {})["code"]


def test_while_the_first_word_is_awaited(begin: Begin) -> None:
    turn = begin(None)
    until(lambda: turn.server.asked)
    assert _stopped(turn) < 2


def test_while_text_streams_and_the_text_is_kept(session: ChatSession, begin: Begin) -> None:
    turn = begin([*says("Half a ")[:1], None])
    until(lambda: session.messages.filter(role="assistant").exclude(content="").exists())
    assert _stopped(turn) < 2
    (answer,) = answers(session)
    assert (answer.state, answer.content) == ("interrupted", "Half a ")


def test_while_a_tool_runs_that_looks(session: ChatSession, begin: Begin) -> None:
    turn = begin(calls(("c1", "probe_heeding", "{}")))
    until(session.tool_calls.exists)
    assert _stopped(turn) < 1.5
    assert _error_of_call(session) == "cancelled"


def test_while_a_tool_runs_that_heeds_nothing(session: ChatSession, begin: Begin, tmp_path: Path) -> None:
    turn = begin(calls(("c1", "probe_held", held(tmp_path))))
    turn.wait_for_effect()
    assert _stopped(turn) < 2
    assert _error_of_call(session) == "cancelled"
    turn.gate.touch()
    until(lambda: not any(thread.name == "tool" for thread in threading.enumerate()))
    assert _error_of_call(session) == "cancelled"


def test_the_calls_that_the_step_had_still_to_make_are_not_made(session: ChatSession, begin: Begin) -> None:
    turn = begin(calls(("c1", "probe_heeding", "{}"), ("c2", "probe_fast", '{"text": "a"}')))
    until(session.tool_calls.exists)
    assert _stopped(turn) < 1.5
    assert session.tool_calls.get().tool_name == "probe_heeding"
