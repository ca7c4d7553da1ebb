"""The main agent with the demo model: answers, is stopped, dies and goes on."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection

from agents_app import liveness, main_agent, pool, turn_thread, turns
from agents_app.llm import demo
from agents_app.models import Subagent, Turn
from agents_app.outcome import Outcome
from agents_app.turn_thread import TurnThread
from sessions_app import lifecycle, messages
from sessions_app.events import session_topic
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.answering import answers, run, run_and_close, say, waiting
from tests.project.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
Kinds = Callable[[ChatSession], list[str]]


@pytest.mark.usefixtures("at_once")
def test_hello_is_answered_by_one_message(session: ChatSession, kinds_of: Kinds) -> None:
    turn = say(session, "Hello")
    (answer,) = answers(session)
    assert (turn.state, answer.state) == ("completed", "complete")
    assert "No language model is configured" in answer.content
    assert kinds_of(session)[-4:] == ["turn.started", "message.added", "message.completed", "turn.completed"]


@pytest.mark.usefixtures("at_once")
def test_the_next_turn_knows_what_was_said_before(session: ChatSession) -> None:
    say(session, "Hello")
    second = say(session, "help")
    assert [len(step["parts"]) for step in second.steps] == [1, 1]
    assert "I am the demo agent" in answers(session)[1].content


def test_a_message_while_the_turn_runs_is_answered_by_the_next_one(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    turn = waiting(session)
    answering = threading.Thread(target=run_and_close, args=(turn,))
    answering.start()
    until(lambda: session.messages.filter(role="assistant").exists())
    messages.post(session.pk, "help")
    answering.join(10)
    assert Turn.objects.get(pk=turn.pk).state == "completed"
    assert run(session).state == "completed"
    assert [answer.content[:10] for answer in answers(session)] == ["No languag", "I am the d"]


def test_text_in_flight_is_announced_piece_by_piece_and_fits_together(
    session: ChatSession,
) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(session_topic(session.pk))
        say(session, "Hello")
        text = ""
        while message := pubsub.get_message(timeout=0.2):
            event = json.loads(message["data"]) if message["type"] == "message" else {}
            if event.get("kind") == "message.delta":
                assert event["payload"]["offset"] == len(text)
                text += event["payload"]["text"]
    assert text == answers(session)[0].content


def test_a_stop_while_text_streams_keeps_what_was_written(session: ChatSession, kinds_of: Kinds) -> None:
    messages.post(session.pk, "Hello")
    turn = waiting(session)
    answering = threading.Thread(target=run_and_close, args=(turn,))
    answering.start()
    until(lambda: session.messages.filter(role="assistant").exclude(content="").exists())
    turns.stop(turn.pk)
    answering.join(2)
    assert not answering.is_alive()
    (answer,) = answers(session)
    assert (Turn.objects.get(pk=turn.pk).state, answer.state) == ("cancelled", "interrupted")
    assert "No language model".startswith(answer.content[:17])
    assert not answer.content.endswith("this list")
    assert kinds_of(session)[-2:] == ["message.completed", "turn.cancelled"]


def test_a_look_that_fails_once_does_not_make_the_turn_unstoppable(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([OperationalError("the database is away")])
    look = turns.must_stop

    def must_stop(turn: Turn) -> bool:
        for error in looks:
            raise error
        return look(turn)

    monkeypatch.setattr(turns, "must_stop", must_stop)
    messages.post(session.pk, "Hello")
    turn = waiting(session)
    answering = threading.Thread(target=run_and_close, args=(turn,))
    answering.start()
    until(lambda: session.messages.filter(role="assistant").exclude(content="").exists())
    turns.stop(turn.pk)
    answering.join(5)
    assert Turn.objects.get(pk=turn.pk).state == "cancelled"


@pytest.mark.usefixtures("at_once")
def test_a_database_that_is_away_at_the_end_leaves_no_turn_running_for_ever(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, finish = iter([OperationalError("the database is away")]), turns.finish

    def fail_once(*arguments: Any, **how: Any) -> bool:
        for error in failures:
            raise error
        return finish(*arguments, **how)

    monkeypatch.setattr(turns, "finish", fail_once)
    with suppress(OperationalError):
        say(session, "Hello")
    assert session.turns.get().state != "running"


def test_a_database_that_is_away_at_the_start_leaves_no_turn_running_for_ever(session: ChatSession) -> None:
    seen: list[str] = []

    def fail_once(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and '"sessions_app_chatsession"' in sql and seen == ["started"]:
            seen.append("failed")
            raise OperationalError("the database is away")
        if parameters and "turn.started" in map(str, parameters):
            seen.append("started")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(fail_once), suppress(OperationalError):
        say(session, "Hello")
    assert seen == ["started", "failed"]
    assert session.turns.get().state != "running"


def test_a_turn_that_takes_too_long_fails_and_keeps_its_text(session: ChatSession, settings: Any) -> None:
    settings.TURN_TIMEOUT_SECONDS = 0.3
    turn = say(session, "Hello")
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "turn_timeout")
    assert answers(session)[0].state == "interrupted"


def test_a_worker_that_is_told_to_go_hands_its_turn_over(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_thread.Shutdown, "requested", True)
    turn = say(session, "Hello")
    assert (turn.state, turn.attempt) == ("queued", 2)
    monkeypatch.setattr(turn_thread.Shutdown, "requested", False)
    monkeypatch.setattr(demo, "WORD_SECONDS", 0)
    assert run(session).state == "completed"
    (answer,) = answers(session)
    assert (answer.state, answer.generation) == ("complete", 2)


@pytest.mark.usefixtures("at_once")
def test_the_result_of_a_subagent_is_told_in_a_turn_of_its_own(session: ChatSession) -> None:
    subagent = work.running(session, title="Count *all*")
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "Three."}))
    assert run(session).state == "completed"
    assert answers(session)[0].content.startswith("Finished. Three.")


@pytest.mark.usefixtures("at_once")
def test_a_refused_tool_call_is_answered_not_failed(session: ChatSession) -> None:
    turn = say(session, "analyze file:///etc")
    assert turn.state == "completed"
    assert "That was refused" in answers(session)[-1].content


@pytest.mark.usefixtures("at_once")
def test_what_failed_earlier_is_still_known_to_the_next_turn(session: ChatSession) -> None:
    messages.post(session.pk, "Remember the number seven")
    turn = turns.claim(waiting(session).pk, 1, liveness.current_worker_id())
    assert turn is not None
    turns.finish(turn, Turn.State.FAILED, {"code": "model_error", "message": "Try again."})
    messages.post(session.pk, "Try again")
    again = turns.claim(waiting(session).pk, 1, liveness.current_worker_id())
    assert again is not None
    history, steps = main_agent.Answer(again, TurnThread())._history(10_000)
    assert "number seven" in str([*history, *steps])


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("nothing:x", "unknown_model"),
        ("", "unknown_model"),
        ("../demo", "unknown_model"),
        ("openai:gpt-5", "model_not_configured"),
        ("anthropic:claude", "model_not_configured"),
        ("google:gemini", "model_not_configured"),
    ],
)
def test_a_model_that_cannot_be_used_fails_the_turn_with_a_code(
    session: ChatSession, monkeypatch: pytest.MonkeyPatch, model: str, code: str
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    messages.post(session.pk, "Hello")
    session.turns.update(model=model)
    turn = run(session)
    assert (turn.state, (turn.error or {})["code"]) == ("failed", code)
    assert (turn.error or {})["message"]


@pytest.mark.usefixtures("at_once")
def test_a_message_after_a_failed_turn_is_answered(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    session.turns.update(model="nothing:x")
    run(session)
    assert say(session, "help").state == "completed"


@pytest.mark.parametrize("end", [lifecycle.stop, lifecycle.delete])
def test_a_session_that_ends_stops_its_running_turn(session: ChatSession, end: Callable[[Any], None]) -> None:
    messages.post(session.pk, "Hello")
    turn = waiting(session)
    answering = threading.Thread(target=run_and_close, args=(turn,))
    answering.start()
    until(lambda: Turn.objects.get(pk=turn.pk).state == "running")
    end(session.pk)
    answering.join(2)
    assert Turn.objects.get(pk=turn.pk).state == "cancelled"


def test_a_message_for_a_turn_that_is_gone_does_nothing() -> None:
    main_agent.run(work.NOBODY, 1)
