"""A real provider over HTTP: an OpenAI-compatible server that behaves well, badly and strangely."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from agents_app import main_agent, model_errors
from agents_app.models import Turn
from sessions_app import messages
from sessions_app.events import session_topic
from sessions_app.models import ChatSession
from tests.agents.model_server import Cut, Fails, ModelServer, calls, says

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
# The HTTP library now and then tidies a broken stream up twice; the second time says so, and nothing else.
BROKEN_STREAM = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <async_generator object AsyncResponseStream:"
    "pytest.PytestUnraisableExceptionWarning"
)
Ask = Callable[..., tuple[Turn, ModelServer]]


@pytest.fixture
def ask(session: ChatSession, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Post a message, have it answered by a server with these answers; return the turn and the server."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    servers: list[ModelServer] = []

    def do(*answers: Any, text: str = "Hello") -> tuple[Turn, ModelServer]:
        servers.append(ModelServer(*answers).__enter__())
        monkeypatch.setenv("OPENAI_BASE_URL", servers[-1].url)
        messages.post(session.pk, text)
        turn = session.turns.get(state="queued")
        main_agent.run(turn.pk, turn.attempt)
        turn.refresh_from_db()
        return turn, servers[-1]

    yield do
    for server in servers:
        server.__exit__()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers are asked again at once."""
    monkeypatch.setattr(model_errors, "WAITS_SECONDS", (0.0, 0.0, 0.0, 0.0))


def _heard(pubsub: Any) -> Iterator[dict[str, Any]]:
    while message := pubsub.get_message(timeout=0.2):
        if message["type"] == "message":
            yield message


def _said(session: ChatSession) -> list[str]:
    rows = session.messages.filter(role="assistant").order_by("seq")
    return list(rows.values_list("content", flat=True))


def test_an_answer_is_streamed_into_one_message(session: ChatSession, ask: Ask) -> None:
    turn, server = ask(says("It ", "is ", "**seven**."))
    assert (turn.state, _said(session)) == ("completed", ["It is **seven**."])
    assert server.keys == ["Bearer key-1"]
    assert server.asked[0]["model"] == "any-model"
    assert server.asked[0]["stream"] is True


def test_the_server_is_told_the_instructions_the_message_and_the_tools(ask: Ask) -> None:
    _, server = ask(says("Yes."), text="How many?")
    body = server.asked[0]
    assert body["messages"][0]["role"] in ("system", "developer")
    assert body["messages"][-1] == {"role": "user", "content": "How many?"}
    assert "analyze_codebase" in [tool["function"]["name"] for tool in body["tools"]]


def test_a_tool_call_runs_and_its_result_goes_back(session: ChatSession, ask: Ask) -> None:
    turn, server = ask(calls(("c1", "probe_fast", '{"text": "echo"}')), says("Done."))
    assert (turn.state, _said(session)) == ("completed", ["Done."])
    assert session.tool_calls.filter(result__summary="echo").count() == 1
    returned = server.asked[1]["messages"][-1]
    assert (returned["role"], returned["tool_call_id"]) == ("tool", "c1")
    assert "echo" in returned["content"]


def test_a_heavy_tool_becomes_a_subagent_and_the_answer_goes_on(session: ChatSession, ask: Ask) -> None:
    turn, server = ask(calls(("c1", "probe", '{"seconds": 1}')), says("Started."))
    assert turn.state == "completed"
    assert session.subagents.get().args == {"seconds": 1}
    assert str(session.subagents.get().pk) in server.asked[1]["messages"][-1]["content"]


def test_two_tools_in_one_step_both_run(session: ChatSession, ask: Ask) -> None:
    wanted = [("c1", "probe_fast", '{"text": "a"}'), ("c2", "probe_fast", '{"text": "b"}')]
    ask(calls(*wanted), says("Done."))
    assert sorted(session.tool_calls.values_list("args__text", flat=True)) == ["a", "b"]


def test_a_server_that_names_each_steps_first_call_alike_still_gets_each_call_made(
    session: ChatSession, ask: Ask
) -> None:
    first, second = '{"text": "a"}', '{"text": "b"}'
    ask(calls(("call_0", "probe_fast", first)), calls(("call_0", "probe_fast", second)), says("Done."))
    assert sorted(session.tool_calls.values_list("args__text", flat=True)) == ["a", "b"]


@pytest.mark.parametrize(
    "arguments",
    ["[1]", "not json", "null", '"text"', '{"text": 1}', "{}", '{"context": 1, "text": "a"}', '{"self": 1}'],
)
def test_arguments_that_make_no_sense_are_told_to_the_model_which_goes_on(
    session: ChatSession, ask: Ask, arguments: str
) -> None:
    turn, server = ask(calls(("c1", "probe_fast", arguments)), says("I see."))
    assert (turn.state, _said(session)) == ("completed", ["I see."])
    assert len(server.asked) == 2


def test_a_tool_that_does_not_exist_is_told_to_the_model_which_goes_on(
    session: ChatSession, ask: Ask
) -> None:
    turn, _ = ask(calls(("c1", "rm_rf", "{}")), says("I see."))
    assert (turn.state, _said(session)) == ("completed", ["I see."])


def test_a_model_that_calls_tools_for_ever_is_ended(session: ChatSession, ask: Ask) -> None:
    turn, server = ask(calls(("c1", "list_subagents", "{}")))
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "too_many_steps")
    assert len(server.asked) == 50


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Fails(400, "bad field"), "model_rejected"),
        (
            Fails(401, "Incorrect API key provided: sk-abcdef123456", code="invalid_api_key"),
            "model_key_refused",
        ),
        (Fails(404, "no such model", code="model_not_found"), "unknown_model"),
        (Fails(400, "too long", code="context_length_exceeded"), "context_exceeded"),
        (
            Fails(429, "pay first", type="insufficient_quota", code="insufficient_quota"),
            "model_quota_exceeded",
        ),
        (400, "model_rejected"),
        (401, "model_key_refused"),
        (404, "unknown_model"),
    ],
)
def test_an_error_that_stays_fails_the_turn_at_once_and_says_what_to_do(
    ask: Ask, answer: Any, code: str
) -> None:
    turn, server = ask(answer)
    assert (turn.state, (turn.error or {})["code"]) == ("failed", code)
    assert "openai:any-model" in (turn.error or {})["message"]
    assert "key-1" not in str(turn.error)
    assert "sk-abcdef" not in str(turn.error)
    assert len(server.asked) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_an_error_that_passes_is_tried_again_until_it_has_passed(
    session: ChatSession, ask: Ask, status: int
) -> None:
    turn, server = ask(Fails(status), Fails(status), says("Here I am."))
    assert (turn.state, _said(session)) == ("completed", ["Here I am."])
    assert len(server.asked) == 3


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [(429, "model_rate_limited", 5), (503, "model_unavailable", 5), (500, "model_unavailable", 3)],
)
def test_an_error_that_does_not_pass_fails_the_turn_in_the_end(
    ask: Ask, status: int, code: str, tries: int
) -> None:
    turn, server = ask(Fails(status))
    assert (turn.state, (turn.error or {})["code"]) == ("failed", code)
    assert len(server.asked) == tries


def test_the_feed_is_told_that_a_busy_model_is_asked_again(session: ChatSession, ask: Ask) -> None:
    with redis.Redis.from_url(django_settings.REDIS_URL) as client, client.pubsub() as pubsub:
        pubsub.subscribe(session_topic(session.pk))
        ask(Fails(429, retry_after="2"), says("Yes."))
        heard = [json.loads(message["data"]) for message in _heard(pubsub)]
    retries = [event["payload"] for event in heard if event["kind"] == "turn.retrying"]
    assert {retry["error"]["code"] for retry in retries} == {"model_rate_limited"}
    left = [retry["retry_in_seconds"] for retry in retries]
    assert left == sorted(left, reverse=True)
    assert left[0] >= 1.9
    assert len(left) > 1


def test_a_provider_that_wants_to_be_left_alone_for_long_fails_the_turn_at_once(ask: Ask) -> None:
    turn, server = ask(Fails(429, retry_after="3600"))
    assert (turn.error or {})["code"] == "model_rate_limited"
    assert len(server.asked) == 1


@BROKEN_STREAM
@pytest.mark.usefixtures("impatient")
def test_a_stream_that_breaks_keeps_its_text_and_is_not_begun_anew(session: ChatSession, ask: Ask) -> None:
    turn, server = ask(Cut(says("It is ", "sev")[:2]), says("Not asked."))
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "model_stream_cut")
    (message,) = session.messages.filter(role="assistant")
    assert (message.content, message.state) == ("It is sev", "interrupted")
    assert len(server.asked) == 1


@BROKEN_STREAM
@pytest.mark.usefixtures("impatient")
def test_a_stream_that_breaks_before_its_first_word_is_begun_anew(session: ChatSession, ask: Ask) -> None:
    turn, _ = ask(Cut([]), says("Seven."))
    assert (turn.state, _said(session)) == ("completed", ["Seven."])


@pytest.mark.usefixtures("impatient")
def test_what_was_done_before_an_error_that_passes_is_not_done_again(session: ChatSession, ask: Ask) -> None:
    turn, _ = ask(calls(("c1", "probe_fast", '{"text": "once"}')), Fails(503), says("Done."))
    assert (turn.state, _said(session)) == ("completed", ["Done."])
    assert session.tool_calls.count() == 1


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_not_there_fails_the_turn_with_a_code(
    session: ChatSession, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    messages.post(session.pk, "Hello")
    turn = session.turns.get()
    main_agent.run(turn.pk, 1)
    turn.refresh_from_db()
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "model_unreachable")


def test_a_server_that_never_answers_fails_the_turn_at_its_timeout(ask: Ask, settings: Any) -> None:
    settings.TURN_TIMEOUT_SECONDS = 0.5
    turn, _ = ask(None)
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "turn_timeout")


def test_text_of_any_size_and_kind_is_taken(session: ChatSession, ask: Ask) -> None:
    turn, _ = ask(says("x" * 100_000, "a\x00b", "\u2028é😀"))
    assert turn.state == "completed"
    assert len(_said(session)[0]) >= 100_000


def test_half_a_surrogate_pair_in_an_answer_does_not_fail_the_turn(session: ChatSession, ask: Ask) -> None:
    turn, _ = ask(says("a\ud800b"))
    assert turn.state == "completed"
    assert _said(session)[0].startswith("a")


def test_half_a_surrogate_pair_in_arguments_is_refused(session: ChatSession, ask: Ask) -> None:
    turn, _ = ask(calls(("c1", "probe_fast", '{"text": "a\\ud800b"}')), says("I see."))
    assert turn.state == "completed"


def test_the_steps_of_a_turn_are_whole_after_turns_that_failed(ask: Ask) -> None:
    ask(400)
    ask(400)
    turn, _ = ask(says("Yes."), text="Again")
    (request, answer) = turn.steps
    assert (request["parts"][0]["content"], answer["parts"][0]["content"]) == ("Again", "Yes.")


def test_the_model_is_told_its_own_words_without_what_cannot_be_stored(
    session: ChatSession, ask: Ask
) -> None:
    said = [*says("a\ud800b")[:1], *calls(("c1", "probe_fast", '{"text": "x"}'))]
    _, server = ask(said, says("Done."))
    told = [message for message in server.asked[1]["messages"] if message["role"] == "assistant"]
    assert told[0]["content"] == "a?b"
    assert session.tool_calls.get().state == "succeeded"
