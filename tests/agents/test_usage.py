"""Tokens and cost: of each turn and session, however the turn ends."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pydantic_ai.usage import RequestUsage

from agents_app import main_agent, metrics, prices, spending, turns, usage
from agents_app.maintenance.jobs.deleted_sessions import purge_deleted_sessions
from agents_app.models import Turn
from agents_app.spending import Spent
from sessions_app import lifecycle, messages, snapshot
from sessions_app.models import ChatSession
from tests.agents.answering import run_and_close, say, waiting
from tests.agents.model_server import Chunk, Cut, ModelServer, calls, says
from tests.project.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
Serve = Callable[..., ModelServer]


def reported(answer: list[Chunk], taken: int, written: int, cached: int = 0) -> list[Chunk]:
    """Add what OpenAI reports at the end of a stream."""
    tokens = {"prompt_tokens": taken, "completion_tokens": written, "total_tokens": taken + written}
    details = {"prompt_tokens_details": {"cached_tokens": cached}}
    return [*answer, {**answer[0], "choices": [], "usage": tokens | details}]


@pytest.fixture
def serve(session: ChatSession, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Let a server with these answers be the model."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    servers: list[ModelServer] = []

    def do(*answers: Any) -> ModelServer:
        servers.append(ModelServer(*answers).__enter__())
        monkeypatch.setenv("OPENAI_BASE_URL", servers[-1].url)
        return servers[-1]

    yield do
    for server in servers:
        server.__exit__()


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local server is taken for OpenAI's own."""
    cost_usd = prices.cost_usd
    monkeypatch.setattr(prices, "cost_usd", lambda taken, *_: cost_usd(taken, "gpt-5", None, "openai", NOW))


def test_what_the_provider_reports_is_counted_for_each_request_of_the_turn(
    session: ChatSession, serve: Serve, kinds_of: Any
) -> None:
    serve(
        reported(calls(("1", "list_subagents", "{}")), 1000, 20), reported(says("Done"), 1100, 5, cached=900)
    )
    turn = say(session, "Hello")
    assert (turn.requests, turn.input_tokens, turn.output_tokens, turn.cache_read_tokens) == (
        2,
        2100,
        25,
        900,
    )
    assert (turn.cost_usd, turn.unpriced_requests, turn.estimated_requests) == (None, 2, 0)
    told = session.events.get(kind="turn.completed").payload["usage"]
    assert told == spending.payload(turn)
    assert told["cost_usd"] is None


@pytest.mark.usefixtures("priced")
def test_a_known_price_is_counted_to_the_last_digit_and_summed_over_the_session(
    session: ChatSession, serve: Serve
) -> None:
    serve(reported(says("One"), 1000, 100, cached=500))
    turn = say(session, "Hello")
    assert turn.cost_usd == Decimal("0.0016875")
    say(session, "Again")
    told = usage.of_session(session.pk)
    assert (told["requests"], told["cost_usd"], told["unpriced_requests"]) == (2, "0.003375", 0)
    assert told["models"][0]["model"] == "openai:any-model"
    assert snapshot.read(session.pk)["usage"] == told


def test_a_server_that_reports_nothing_is_estimated_and_says_so(session: ChatSession, serve: Serve) -> None:
    serve(says("Some", " words"))
    turn = say(session, "Hello")
    assert turn.estimated_requests == 1
    assert turn.input_tokens > 100
    assert turn.output_tokens >= 2


def test_a_stopped_answer_counts_what_it_took(
    session: ChatSession, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(says("Some", " words"))
    over = threading.Event()
    lines = server.lines

    def stalling(answer: Any) -> Iterator[bytes]:
        yield from list(lines(answer))[:2]
        over.wait(10)

    monkeypatch.setattr(server, "lines", stalling)
    messages.post(session.pk, "Hello")
    turn = waiting(session)
    answering = threading.Thread(target=run_and_close, args=(turn,))
    answering.start()
    until(lambda: session.messages.filter(role="assistant").exclude(content="").exists())
    turns.stop(turn.pk)
    answering.join(5)
    over.set()
    turn = Turn.objects.get(pk=turn.pk)
    assert (turn.state, turn.requests, turn.estimated_requests) == ("cancelled", 1, 1)
    assert turn.input_tokens > 100
    assert session.events.get(kind="turn.cancelled").payload["usage"]["requests"] == 1


def test_a_failed_answer_counts_what_it_took(session: ChatSession, serve: Serve) -> None:
    serve(Cut(says("Some", " words")[:2]))
    turn = say(session, "Hello")
    assert (turn.state, turn.requests, turn.estimated_requests) == ("failed", 1, 1)


@pytest.mark.usefixtures("at_once")
def test_the_demo_model_counts_nothing(session: ChatSession) -> None:
    turn = say(session, "Hello")
    assert (turn.requests, turn.input_tokens, turn.cost_usd) == (0, 0, None)
    assert usage.of_session(session.pk)["models"] == []


def test_a_long_session_is_windowed_to_the_models_context(
    session: ChatSession, serve: Serve, settings: Any
) -> None:
    settings.MODEL_CONTEXTS = {"openai:any-model": 12_000}  # of which tools of other tests take some
    server = serve(says("word " * 400))
    for number in range(12):
        say(session, f"Question {number} " + "word " * 1500)
    asked = server.asked[-1]["messages"]
    assert [message["role"] for message in asked[:2]] == ["system", "user"]
    assert "Question 11" in asked[-1]["content"]
    assert "Question 0" not in str(asked)
    assert len(asked) < 14


def test_a_message_that_alone_is_too_large_fails_with_a_code(
    session: ChatSession, serve: Serve, settings: Any
) -> None:
    settings.MODEL_CONTEXT_TOKENS = 6_000
    server = serve(says("Hi"))
    turn = say(session, "word " * 6_000)
    assert (turn.state, (turn.error or {})["code"]) == ("failed", "context_exceeded")
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "provider", "url", "cost"),
    [
        ("gpt-5", "openai", None, "0.0016875"),
        ("gpt-5-2025-08-07", "openai", "https://api.openai.com/v1", "0.0016875"),
        ("claude-sonnet-4-5", "anthropic", None, "0.00315"),
        ("gpt-5", "openai", "http://127.0.0.1:11434/v1", None),
        ("my-own", "openai", None, None),
        ("demo", "function", None, None),
    ],
)
def test_a_price_is_known_of_published_models_at_their_own_address(
    name: str, provider: str, url: str | None, cost: str | None
) -> None:
    taken = RequestUsage(input_tokens=1000, output_tokens=100, cache_read_tokens=500)
    assert prices.cost_usd(taken, name, url, provider, NOW) == (None if cost is None else Decimal(cost))


def test_the_context_is_as_set_else_as_published_else_the_default(settings: Any) -> None:
    settings.MODEL_CONTEXTS = {"openai:gpt-4o": 5000}
    assert prices.context_tokens("openai:gpt-4o", "gpt-4o", None, "openai") == 5000
    assert prices.context_tokens("openai:gpt-5", "gpt-5", None, "openai") == 400_000
    assert prices.context_tokens("openai:x", "x", "http://127.0.0.1:1/v1", "openai") == 32_000


def test_the_owner_alone_reads_a_sessions_usage(
    session: ChatSession, client: Client, ann: Any, bob: Any
) -> None:
    usage.count(session.pk, [Spent(model="openai:m", input_tokens=7, cost_usd=Decimal("0.5"))])
    client.force_login(ann)
    answer = client.get(f"/api/sessions/{session.pk}/usage/")
    assert (answer.status_code, answer.json()["input_tokens"], answer.json()["cost_usd"]) == (200, 7, "0.50")
    client.force_login(bob)
    assert client.get(f"/api/sessions/{session.pk}/usage/").status_code == 404


def test_metrics_by_model_survive_the_end_of_their_session(session: ChatSession) -> None:
    usage.count(session.pk, [Spent(model="openai:m", input_tokens=7, cost_usd=Decimal("0.5"))])
    before = _models(metrics.text())
    assert 'mcpchat_model_input_tokens_total{model="openai:m"} 7.0' in before
    assert 'mcpchat_model_cost_usd_total{model="openai:m"} 0.5' in before
    lifecycle.delete(session.pk)
    purge_deleted_sessions()
    assert not ChatSession.objects.filter(pk=session.pk).exists()
    assert _models(metrics.text()) == before


def _models(text: bytes) -> list[str]:
    return [line for line in text.decode().splitlines() if line.startswith("mcpchat_model_")]


def test_usage_of_a_session_that_is_gone_does_not_end_the_answer_differently(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    answer = main_agent.Answer(waiting(session), None)  # type: ignore[arg-type]  # no thread is needed
    answer.spent.append(Spent(model="openai:m"))
    ChatSession.objects.filter(pk=session.pk).delete()
    answer._count()
