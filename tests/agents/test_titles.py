"""Titles of new chats, made by their model."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents_app import titles
from agents_app.models import SessionSpending
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents.answering import say
from tests.agents.model_server import ModelServer, says

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("registered")]


@pytest.fixture
def serve(session: ChatSession, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
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


def _title(session: ChatSession) -> str:
    return ChatSession.objects.get(pk=session.pk).title


def test_the_first_exchange_gives_the_chat_a_title_and_is_counted(
    session: ChatSession, serve: Any, kinds_of: Any
) -> None:
    server = serve(says("Paris."), says('**"Capital of', ' France."**\n', "More"))
    turn = say(session, "What is the capital of France?")
    titles.make(turn.pk)
    assert _title(session) == "Capital of France"
    assert kinds_of(session)[-1] == "session.updated"
    assert "Paris." in str(server.asked[-1]["messages"])
    assert SessionSpending.objects.get(session=session).requests == 2
    turn.refresh_from_db()
    assert turn.requests == 1


def test_a_title_that_the_user_gave_stays(session: ChatSession, serve: Any) -> None:
    server = serve(says("Paris."), says("Another"))
    turn = say(session, "Hello")
    lifecycle.rename(session.pk, "Mine")
    titles.make(turn.pk)
    assert _title(session) == "Mine"
    assert len(server.asked) == 1


def test_a_title_that_the_user_gives_meanwhile_stays(session: ChatSession) -> None:
    lifecycle.rename(session.pk, "Mine")
    assert not lifecycle.replace_title(session.pk, "Hello", "Made")
    assert _title(session) == "Mine"


def test_only_the_first_exchange_makes_a_title(session: ChatSession, serve: Any) -> None:
    serve(says("Hi"))
    say(session, "Hello")
    assert not titles.is_wanted(say(session, "Again"))


@pytest.mark.parametrize("answer", [500, says("  \n", "**"), None])
def test_a_failure_is_silent_and_leaves_the_first_words(
    session: ChatSession, serve: Any, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(titles, "SECONDS", 1)
    serve(says("Paris."), answer)
    turn = say(session, "What is the capital?")
    titles.make(turn.pk)
    assert _title(session) == "What is the capital?"


@pytest.mark.usefixtures("at_once")
def test_the_demo_model_makes_none(session: ChatSession) -> None:
    assert not titles.is_wanted(say(session, "Hello"))


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("# A title.\nand more", "A title"),
        ("“Quoted”", "Quoted"),
        ("<b>x</b>\x00\x07", "<b>x</b>"),
        ("", ""),
        ("word " * 30, "word word word word word word word word word word word…"),
    ],
)
def test_an_answer_becomes_one_short_line(answer: str, title: str) -> None:
    assert titles.cleaned(answer) == title
    assert len(title) <= titles.MAX_CHARACTERS
