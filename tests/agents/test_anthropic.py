"""Conversations through the real Anthropic provider, with a server of that shape on loopback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents_app import model_errors
from agents_app.models import Turn
from sessions_app.models import ChatSession
from tests.agents.answering import answers, say
from tests.agents.anthropic_server import AnthropicServer, breaks_off, calls, says
from tests.agents.model_server import Cut, Fails

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
# The HTTP library now and then tidies a broken stream up twice; the second time says so, and nothing else.
BROKEN_STREAM = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <async_generator object AsyncResponseStream:"
    "pytest.PytestUnraisableExceptionWarning"
)
Ask = Callable[..., tuple[Turn, AnthropicServer]]


@pytest.fixture
def ask(session: ChatSession, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Post a message, have it answered by a server with these answers; return the turn and the server."""
    settings.MCPCHAT_MODEL = "anthropic:claude"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-2")
    monkeypatch.setattr(model_errors, "WAITS_SECONDS", (0.0, 0.0, 0.0, 0.0))
    servers: list[AnthropicServer] = []

    def do(*replies: Any, text: str = "Hello") -> tuple[Turn, AnthropicServer]:
        servers.append(AnthropicServer(*replies).__enter__())
        monkeypatch.setenv("ANTHROPIC_BASE_URL", servers[-1].url.removesuffix("/v1"))
        return say(session, text), servers[-1]

    yield do
    for server in servers:
        server.__exit__()


def test_an_answer_is_streamed_into_one_message(session: ChatSession, ask: Ask) -> None:
    turn, server = ask(says("It ", "is ", "**seven**."))
    assert turn.state == "completed"
    assert [message.content for message in answers(session)] == ["It is **seven**."]
    assert "key-2" in server.keys[0]
    assert server.asked[0]["stream"] is True


def test_tools_called_in_parallel_all_run_and_their_results_go_back(session: ChatSession, ask: Ask) -> None:
    wanted = [(f"t{text}", "probe_fast", f'{{"text": "{text}"}}') for text in "ab"]
    turn, server = ask(calls(*wanted, before="I look."), says("Done."))
    assert turn.state == "completed"
    assert [message.content for message in answers(session)] == ["I look.", "Done."]
    returned = server.asked[1]["messages"][-1]["content"]
    assert [part["tool_use_id"] for part in returned if part["type"] == "tool_result"] == ["ta", "tb"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Fails(401, "invalid x-api-key", type="authentication_error"), "model_key_refused"),
        (Fails(404, "model: claude", type="not_found_error"), "unknown_model"),
        (Fails(400, "prompt is too long: 250000 tokens > 200000 maximum", type="invalid_request_error"),
         "context_exceeded"),
        (Fails(400, "Your credit balance is too low", type="invalid_request_error"), "model_quota_exceeded"),
    ],
)  # fmt: skip
def test_an_error_that_stays_fails_the_turn_at_once(ask: Ask, answer: Fails, code: str) -> None:
    turn, server = ask(answer)
    assert (turn.state, (turn.error or {})["code"]) == ("failed", code)
    assert len(server.asked) == 1


@BROKEN_STREAM
@pytest.mark.parametrize(
    "answer",
    [Fails(429, type="rate_limit_error"), Fails(529, type="overloaded_error"), breaks_off(), Cut([])],
)
def test_an_error_that_passes_is_tried_again(session: ChatSession, ask: Ask, answer: Any) -> None:
    turn, server = ask(answer, says("Here I am."))
    assert (turn.state, len(server.asked)) == ("completed", 2)
    assert [message.content for message in answers(session)] == ["Here I am."]


@BROKEN_STREAM
@pytest.mark.parametrize("answer", [breaks_off("Sev"), Cut(says("Sev")[:3])])
def test_an_answer_that_breaks_off_keeps_its_text(session: ChatSession, ask: Ask, answer: Any) -> None:
    turn, _ = ask(answer, says("Not asked."))
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "model_stream_cut")
    assert [(message.content, message.state) for message in answers(session)] == [("Sev", "interrupted")]
