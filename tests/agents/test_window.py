"""What a model is sent: whatever was said, every provider takes it, and it fits."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from agents_app.message_sizes import of_messages
from agents_app.prompts import RESOURCE_MARK, RESULT_MARK
from agents_app.window import window
from sessions_app.errors import Refusal

IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.builds(
    lambda word, times: word * times, st.sampled_from(["word ", "{1,2}", "é"]), st.integers(1, 800)
)
PROMPTS = st.builds(UserPromptPart, content=TEXTS)
CALLS = st.builds(lambda call_id, text: ToolCallPart("look", {"for": text}, call_id), IDS, TEXTS)
RESULTS = st.builds(lambda call_id, text: ToolReturnPart("look", {"found": text}, call_id), IDS, TEXTS)
REQUESTS = st.builds(ModelRequest, parts=st.lists(PROMPTS | RESULTS, max_size=4))
REPLIES = st.builds(ModelResponse, parts=st.lists(st.builds(TextPart, content=TEXTS) | CALLS, max_size=4))
ANYTHING = st.lists(REQUESTS | REPLIES, max_size=14)


def said(text: str) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(text)])


def answered(text: str) -> ModelResponse:
    return ModelResponse(parts=[TextPart(text)])


def looked(call_id: str, found: str) -> list[ModelMessage]:
    call = ToolCallPart("look", {"for": call_id}, call_id)
    return [ModelResponse(parts=[call]), ModelRequest(parts=[ToolReturnPart("look", found, call_id)])]


def calls_of(message: ModelMessage) -> list[str]:
    return [part.tool_call_id for part in message.parts if isinstance(part, ToolCallPart)]


def results_of(message: ModelMessage) -> list[str]:
    return [part.tool_call_id for part in message.parts if isinstance(part, ToolReturnPart)]


def assert_valid(messages: Sequence[ModelMessage]) -> None:
    first = messages[0]
    assert isinstance(first, ModelRequest)
    assert any(isinstance(part, UserPromptPart) for part in first.parts)
    assert not results_of(first)
    assert [message.kind for message in messages] == ["request", "response"] * (len(messages) // 2) + [
        "request"
    ]
    for reply, request in zip(messages[1::2], messages[2::2], strict=True):
        assert sorted(calls_of(reply)) == sorted(results_of(request))
        assert len(set(calls_of(reply))) == len(calls_of(reply))
    assert all(message.parts for message in messages)


@settings(max_examples=300, deadline=None)
@given(ANYTHING, PROMPTS, st.integers(0, 6000))
def test_every_window_is_valid_and_fits_or_is_refused(
    messages: list[ModelMessage], newest: UserPromptPart, budget: int
) -> None:
    whole = [*messages, ModelRequest(parts=[newest])]
    before = repr(whole)
    try:
        sent = window(whole, budget)
    except Refusal:
        sent = window(whole, 10**9)
    else:
        assert of_messages(sent) <= budget
    assert_valid(sent)
    assert newest in sent[-1].parts
    assert repr(whole) == before


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.integers(0, 4000))
def test_a_long_chain_of_calls_stays_paired_and_keeps_its_question(found: list[str], budget: int) -> None:
    steps = [message for index, text in enumerate(found) for message in looked(str(index), text)]
    try:
        sent = window([said("Why?"), *steps], budget)
    except Refusal:
        return
    assert_valid(sent)
    assert sent[0] == said("Why?") or "Why?" in str(sent[0])
    assert results_of(sent[-1]) == [str(len(found) - 1)]


def test_what_fits_is_sent_as_it_is() -> None:
    messages = [said("Hello"), *looked("1", "x"), answered("Hi"), said("More")]
    assert window(messages, 10_000) == messages


def test_old_results_are_shortened_before_any_message_goes() -> None:
    messages = [
        said("One"),
        *looked("1", "data " * 4000),
        answered("A"),
        said("Two"),
        *looked("2", "more " * 1000),
    ]
    sent = window(messages, 3000)
    assert len(sent) == len(messages)
    short, newest = str(sent[2].parts[0].content), str(sent[-1].parts[0].content)  # type: ignore[union-attr]
    assert "[Shortened: " in short
    assert 'look({"for":"1"})' in short
    assert short.startswith("data data")
    assert newest == "more " * 1000


def test_the_oldest_exchanges_go_first() -> None:
    messages = [message for n in range(20) for message in (said(f"q{n} " + "word " * 100), answered(f"a{n}"))]
    sent = window([*messages, said("newest")], 1000)
    assert_valid(sent)
    assert str(sent[0].parts[0].content).startswith("q1")  # type: ignore[union-attr]
    assert 4 < len(sent) < 20
    assert "a19" in str(sent[-2])


def test_a_turn_that_was_cut_off_in_a_call_leaves_no_call_without_result() -> None:
    cut_off: list[ModelMessage] = [
        said("One"),
        ModelResponse(parts=[TextPart("I look."), ToolCallPart("look", {}, "1")]),
    ]
    sent = window([*cut_off, said("Two")], 1000)
    assert_valid(sent)
    assert "I look." in str(sent)


def test_results_that_come_together_share_the_room() -> None:
    calls: Any = [ToolCallPart("look", {}, str(n)) for n in range(3)]
    results: Any = [ToolReturnPart("look", f"r{n} " + "data " * 9000, str(n)) for n in range(3)]
    sent = window([said("One"), ModelResponse(parts=calls), ModelRequest(parts=results)], 4000)
    assert_valid(sent)
    assert 2000 < of_messages(sent) <= 4000
    assert all(f"r{n} " in str(sent) for n in range(3))


def test_reports_of_subagents_are_shortened_and_say_that_the_user_has_them() -> None:
    report = f'{RESULT_MARK}\n{{"report": "{"line " * 3000}", "title": "Count"}}'
    sent = window([said(report)], 1000)
    assert '"title": "Count"' in str(sent)
    assert "The user has the whole report" in str(sent)


def test_resources_that_a_message_names_are_shortened_within_their_frame() -> None:
    resource = f'{RESOURCE_MARK}\n<resource server="files" uri="a:b">\n{"line " * 3000}\n</resource>'
    parts = [UserPromptPart(content="Read @files:a:b"), UserPromptPart(content=resource)]
    (sent,) = window([ModelRequest(parts=parts)], 1000)
    said_whole, cut = (str(part.content) for part in sent.parts)  # type: ignore[union-attr]
    assert said_whole == "Read @files:a:b"
    assert cut.startswith(f'{RESOURCE_MARK}\n<resource server="files" uri="a:b">\nline ')
    assert cut.endswith("\n</resource>")
    assert "read_resource reads it again" in cut


def test_a_message_of_the_user_that_alone_is_too_large_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refusal, match="Send it in parts") as raised:
        window([said("old"), answered("a"), said("word " * 9000)], 2000)
    assert raised.value.code == "context_exceeded"
