"""Slash commands: done at once, without a model."""

from collections.abc import Callable
from typing import Any

import pytest

from agents_app.models import ModelProvider, Turn
from sessions_app import messages
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.answering import answers, say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]


def _told(session: ChatSession, text: str) -> str:
    messages.post(session.pk, text)
    assert not session.turns.exists()
    return answers(session)[-1].content


def test_help_names_every_command(session: ChatSession) -> None:
    told = _told(session, "/help")
    for name in ("tools", "run", "export", "stop", "model", "agents", "system"):
        assert f"/{name}" in told


def test_tools_are_listed_and_found_by_name(session: ChatSession) -> None:
    assert "`analyze_codebase`" in _told(session, "/tools")
    assert "analyze" not in _told(session, "/tools cancel")
    assert _told(session, "/tools nosuch") == "There is no such tool."


def test_run_calls_a_fast_tool(session: ChatSession) -> None:
    messages.post(session.pk, '/run probe_fast {"text": "hey"}')
    assert (session.tool_calls.get().result or {})["summary"] == "hey"
    assert not session.turns.exists()


def test_run_of_a_heavy_tool_makes_a_subagent(session: ChatSession) -> None:
    messages.post(session.pk, '/run probe {"seconds": 1}')
    assert session.subagents.get().tool_name == "probe"


@pytest.mark.parametrize(("words", "told"), [
    ("nosuch {}", "unknown_tool"), ("probe_fast {}", "invalid_arguments"),
])  # fmt: skip
def test_a_run_that_is_refused_says_why(session: ChatSession, words: str, told: str) -> None:
    assert told in _told(session, f"/run {words}")


@pytest.mark.parametrize("text", ["/run", "/run probe_fast {", "/run probe_fast [1]", "/model nosuch:model"])
def test_a_command_that_makes_no_sense_is_refused_before_anything_is_stored(
    session: ChatSession, text: str
) -> None:
    with pytest.raises(Refusal):
        messages.post(session.pk, text)
    assert not session.messages.exists()


def test_stop_ends_the_turn(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    messages.post(session.pk, "/stop")
    assert Turn.objects.get().state == "cancelled"


def test_a_stop_of_nothing_says_so(session: ChatSession) -> None:
    assert _told(session, "/stop") == "Nothing is being answered."


def test_another_model_is_chosen(session: ChatSession) -> None:
    ModelProvider.objects.create(name="lab", kind="openai", offered="big")
    assert "`demo` (this chat)" in _told(session, "/model")
    assert "`lab:big` answers" in _told(session, "/model lab:big")
    session.refresh_from_db()
    assert session.model == "lab:big"
    _told(session, "/model demo")
    session.refresh_from_db()
    assert session.model == ""


def test_agents_are_listed(session: ChatSession) -> None:
    assert "no subagents" in _told(session, "/agents")
    work.queue(session)
    assert "`probe`: admitted" in _told(session, "/agents")


@pytest.mark.usefixtures("at_once")
def test_what_the_user_wants_heeded_is_told_to_the_model_until_it_is_forgotten(session: ChatSession) -> None:
    _told(session, "/system Answer in rhymes.")
    assert "rhymes" in _told(session, "/system")
    assert "Answer in rhymes." in str(say(session, "Hello").steps[0])
    messages.post(session.pk, "/system clear")
    assert "rhymes" not in str(say(session, "Hello").steps[0])


@pytest.mark.usefixtures("at_once")
def test_no_model_is_told_of_commands(session: ChatSession) -> None:
    _told(session, "/help")
    assert "/help" not in str(say(session, "Hello").steps)


def test_a_command_posted_twice_with_one_key_is_done_once(session: ChatSession) -> None:
    for _ in range(2):
        messages.post(session.pk, '/run probe_fast {"text": "hey"}', "key")
    assert session.tool_calls.count() == 1


def test_text_that_only_looks_like_a_command_goes_to_the_model(
    session: ChatSession, kinds_of: Callable[[ChatSession], list[Any]]
) -> None:
    messages.post(session.pk, "/etc/passwd is what?")
    assert session.turns.count() == 1
