"""A turn whose process died goes on from its last stored step, and does nothing twice."""

import pytest
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)

from agents_app import liveness, turns
from agents_app.main_agent_tools import Calls
from agents_app.models import Turn
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents.answering import answers, run, waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered", "at_once")]


def _claimed_with(session: ChatSession, *steps: ModelMessage) -> Turn:
    """Return a running turn that has stored these steps."""
    messages.post(session.pk, "Hello")
    turn = turns.claim(waiting(session).pk, 1, liveness.current_worker_id())
    assert turn is not None
    assert turns.store_steps(turn, ModelMessagesTypeAdapter.dump_python(list(steps), mode="json"))
    return turn


ASKED = ModelRequest(parts=[UserPromptPart(content="Hello")])


def test_heavy_work_is_handed_out_once_although_the_process_died_after_it(session: ChatSession) -> None:
    call = ToolCallPart("probe", {}, tool_call_id="demo-1-0")
    turn = _claimed_with(session, ASKED, ModelResponse(parts=[call]))
    Calls(turn).call_tool("probe", {}, "demo-1-0")
    assert session.subagents.count() == 1
    turns.give_back(Turn.objects.get(pk=turn.pk))
    assert run(session).state == "completed"
    assert session.subagents.count() == 1
    assert "is under way" in answers(session)[-1].content


def test_a_fast_call_that_was_made_before_the_death_is_not_made_again(session: ChatSession) -> None:
    call = ToolCallPart("probe_fast", {"text": "effect"}, tool_call_id="demo-1-0")
    turn = _claimed_with(session, ASKED, ModelResponse(parts=[call]))
    Calls(turn).call_tool("probe_fast", {"text": "effect"}, "demo-1-0")
    turns.give_back(Turn.objects.get(pk=turn.pk))
    assert run(session).state == "completed"
    assert session.tool_calls.get().state == "succeeded"
    assert answers(session)[-1].content == "effect"


def test_a_turn_that_died_after_its_last_step_says_nothing_twice(session: ChatSession) -> None:
    turn = _claimed_with(session, ASKED, ModelResponse(parts=[TextPart("All said.")]))
    turns.give_back(Turn.objects.get(pk=turn.pk))
    assert run(session).state == "completed"
    assert answers(session) == []


def test_a_draft_that_a_dead_attempt_left_is_written_anew(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    turn = turns.claim(waiting(session).pk, 1, liveness.current_worker_id())
    assert turn is not None
    draft = turns.begin_text(turn)
    assert draft is not None
    messages.save_draft(draft.pk, 1, "No language mo")
    turns.give_back(Turn.objects.get(pk=turn.pk))
    assert run(session).state == "completed"
    (answer,) = answers(session)
    assert (answer.pk, answer.generation, answer.state) == (draft.pk, 2, "complete")
