"""Results wake the main agent: once for those that come together, and not for ever."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents_app import gateway, liveness, pool
from agents_app.models import Pool, Subagent, ToolCall, Worker
from agents_app.outcome import Outcome
from mcpchat_project.supervisor.processes import agents
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.answering import run, say
from tests.agents.model_server import ModelServer, says
from tests.agents.processes import keeper_process, start
from tests.project.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
Kinds = Callable[[ChatSession], list[str]]


@pytest.fixture
def crew(var: Path, registered: liveness.Identity) -> Iterator[None]:
    """A real agents worker with five children, and room for five in the pool."""
    Pool.objects.filter(pk="tools").update(cap=5)
    process = agents("agents", ("tools",), 5)
    environment = {**process.environment, "MCPCHAT_MODEL": "openai:any-model"}
    with keeper_process(var):
        running = start(process.command[1:], var, **environment)
        # This process is the sixth.
        until(lambda: Worker.objects.filter(kind="agents").count() == 6, 60)
        yield
        running.terminate()
        running.communicate(timeout=20)


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model that is content with everything."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    with ModelServer(says("Noted.")) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


@pytest.mark.usefixtures("crew")
def test_five_subagents_that_end_together_in_other_processes_wake_an_idle_session_once(
    session: ChatSession, server: ModelServer
) -> None:
    for _ in range(5):
        work.queue(session, "probe", args={"seconds": 1})
    until(lambda: session.turns.filter(state="queued").exists(), 30)
    assert run(session).state == "completed"
    assert session.messages.filter(role="subagent", turn_id=session.turns.get().pk).count() == 5
    (asked,) = server.asked
    assert len([one for one in asked["messages"] if one["role"] == "user"]) == 5


def _result(session: ChatSession, words: str = "Done.") -> None:
    pool.finish(
        work.running(session), Outcome(state=Subagent.State.SUCCEEDED, result={"summary": words}, report="")
    )


@pytest.mark.usefixtures("registered", "at_once")
def test_results_wake_the_agent_so_often_and_then_wait_until_somebody_speaks(
    session: ChatSession, settings: Any, kinds_of: Kinds
) -> None:
    settings.WAKES_WITHOUT_USER = 2
    say(session, "Hello")
    for _ in range(2):
        _result(session)
        run(session)
    for _ in range(3):
        _result(session, "Late.")
    assert not session.turns.filter(state="queued").exists()
    assert kinds_of(session).count("turn.withheld") == 1
    assert session.messages.filter(role="subagent").count() == 5
    turn = say(session, "Go on")
    assert session.messages.filter(turn_id=turn.pk, role="subagent").count() == 3
    _result(session)
    assert session.turns.filter(state="queued").exists()


@pytest.mark.usefixtures("registered", "at_once")
def test_a_result_that_came_during_the_last_wake_waits_too(session: ChatSession, settings: Any) -> None:
    settings.WAKES_WITHOUT_USER = 1
    say(session, "Hello")
    _result(session)
    running = session.turns.get(state="queued")
    run(session)
    _result(session)
    assert list(session.turns.filter(created_at__gt=running.created_at)) == []


def _called(session: ChatSession, name: str, **arguments: Any) -> dict[str, Any]:
    call = gateway.execute_tool(session, name, arguments)
    assert isinstance(call, ToolCall)
    return dict(call.result or {"error": call.error})


def test_a_long_result_is_read_page_by_page(session: ChatSession) -> None:
    subagent = work.running(session)
    report = "".join(f"line {number}\n" for number in range(3000))
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "s"}, report=report))
    first = _called(session, "read_subagent_result", subagent_id=str(subagent.pk))["data"]
    pages = [
        _called(session, "read_subagent_result", subagent_id=str(subagent.pk), page=page)["data"]["text"]
        for page in range(1, first["pages"] + 1)
    ]
    assert "".join(pages) == report
    assert max(map(len, pages)) <= 8000
    beyond = _called(session, "read_subagent_result", subagent_id=str(subagent.pk), page=99)
    assert beyond["error"]["code"] == "no_such_page"


def test_results_of_other_sessions_and_of_unfinished_work_are_not_read(
    session: ChatSession, ann: Any
) -> None:
    subagent = work.running(session)
    other = lifecycle.start(ann)
    for asked, code in ((session, "not_final"), (other, "not_found")):
        answer = _called(asked, "read_subagent_result", subagent_id=str(subagent.pk))
        assert answer["error"]["code"] == code


def test_those_that_ended_are_listed_on_request(session: ChatSession) -> None:
    _result(session)
    assert _called(session, "list_subagents")["data"]["subagents"] == []
    (ended,) = _called(session, "list_subagents", ended=True)["data"]["subagents"]
    assert ended["state"] == "succeeded"
