"""A chat worker is killed at each boundary of a turn's steps: what was done stays done, and nothing twice."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents_app import liveness
from agents_app.models import Turn, Worker
from mcpchat_project.supervisor.processes import chat
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents.answering import answers, run
from tests.agents.model_server import ModelServer, calls, says
from tests.agents.processes import keeper_process, start
from tests.project.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Death:
    """A turn under way in a real chat worker, to be killed there and taken up in this process."""

    worker: "subprocess.Popen[str]"

    def __init__(self, session: ChatSession, folder: Path) -> None:
        self.session, self.folder = session, folder
        self.ledger = folder / "ledger"

    def arguments(self, **gates: str) -> str:
        """Return arguments of a held tool: its ledger and the gates that hold it."""
        files = {name: str(self.folder / gate) for name, gate in gates.items()}
        return json.dumps({"ledger": str(self.ledger), **files})

    def kill_when(self, reached: Callable[[], object]) -> None:
        """Kill the worker at a boundary, open all gates, and wait until the turn was given back."""
        until(reached, 60)
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait()
        (self.folder / "gate").touch()
        until(lambda: self.session.turns.filter(state="queued", attempt=2).exists(), 20)

    def effects(self) -> int:
        """Return how often a held tool took effect."""
        return len(self.ledger.read_text().splitlines()) if self.ledger.exists() else 0

    def is_called(self, name: str) -> bool:
        """Whether a call of the tool runs and has had its effect."""
        return self.session.tool_calls.filter(tool_name=name, state="running").exists() and self.effects() > 0


Begin = Callable[..., tuple[Death, ModelServer]]


@pytest.fixture
def begin(
    var: Path,
    registered: liveness.Identity,
    session: ChatSession,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Begin]:
    """Have a message answered in a real chat worker by a server with these answers."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    deaths: list[Death] = []
    servers: list[ModelServer] = []

    def do(script: Callable[[Death], list[Any]]) -> tuple[Death, ModelServer]:
        process = chat(2)
        death = Death(session, var)
        servers.append(ModelServer(*script(death)).__enter__())
        monkeypatch.setenv("OPENAI_BASE_URL", servers[-1].url)
        death.worker = start(process.command[1:], var, **process.environment)
        deaths.append(death)
        until(lambda: Worker.objects.filter(kind="chat").exists(), 60)
        messages.post(session.pk, "Hello")
        return death, servers[-1]

    with keeper_process(var):
        yield do
        for server in servers:
            server.__exit__()
        for death in deaths:
            death.worker.kill()
            death.worker.communicate()


def _told(server: ModelServer) -> str:
    """Return what the last request told the model of its calls."""
    return " ".join(
        str(message["content"]) for message in server.asked[-1]["messages"] if message["role"] == "tool"
    )


def _ended_well(session: ChatSession, *said: str) -> None:
    turn: Turn = run(session)
    assert turn.state == "completed", turn.error
    assert [answer.content for answer in answers(session)] == list(said)


def test_killed_before_the_reply_the_model_is_asked_again(session: ChatSession, begin: Begin) -> None:
    death, server = begin(lambda death: [None, says("Done.")])
    death.kill_when(lambda: len(server.asked) == 1)
    _ended_well(session, "Done.")
    assert server.asked[0]["messages"] == server.asked[1]["messages"]


def test_killed_after_the_reply_and_before_its_call_the_call_is_made_once_and_the_model_not_asked_again(
    session: ChatSession, begin: Begin
) -> None:
    script = [("c1", "probe_held", {"check_gate": "gate"})]
    death, server = begin(
        lambda death: [calls(*[(i, n, death.arguments(**gates)) for i, n, gates in script]), says("Done.")]
    )
    death.kill_when(lambda: len(session.turns.get().steps) == 2)
    assert not session.tool_calls.exists()
    _ended_well(session, "Done.")
    assert (death.effects(), len(server.asked)) == (1, 2)


def test_killed_during_a_call_that_may_be_repeated_it_is_repeated(session: ChatSession, begin: Begin) -> None:
    death, server = begin(
        lambda death: [calls(("c1", "probe_held_safe", death.arguments(gate="gate"))), says("Done.")]
    )
    death.kill_when(lambda: death.is_called("probe_held_safe"))
    _ended_well(session, "Done.")
    assert (death.effects(), len(server.asked)) == (2, 2)
    assert session.tool_calls.get().state == "succeeded"


def test_killed_during_a_call_that_may_have_taken_effect_it_is_not_repeated_and_the_user_is_to_be_asked(
    session: ChatSession, begin: Begin
) -> None:
    death, server = begin(
        lambda death: [
            calls(
                ("c1", "probe_fast", '{"text": "first"}'), ("c2", "probe_held", death.arguments(gate="gate"))
            ),
            says("Shall I?"),
        ]
    )
    death.kill_when(lambda: death.is_called("probe_held"))
    _ended_well(session, "Shall I?")
    assert (death.effects(), len(server.asked)) == (1, 2)
    assert sorted(session.tool_calls.values_list("tool_name", "state")) == [
        ("probe_fast", "succeeded"),
        ("probe_held", "failed"),
    ]
    assert "first" in _told(server)
    assert "worker_lost" in _told(server)
    assert "ask the user" in _told(server)


def test_killed_after_the_call_and_before_the_next_reply_nothing_is_called_again(
    session: ChatSession, begin: Begin
) -> None:
    death, server = begin(lambda death: [calls(("c1", "probe_held", death.arguments())), None, says("Done.")])
    death.kill_when(lambda: len(server.asked) == 2)
    _ended_well(session, "Done.")
    assert (death.effects(), len(server.asked)) == (1, 3)
    assert session.tool_calls.get().state == "succeeded"


def test_a_message_sent_while_the_process_is_dead_is_answered_once(
    session: ChatSession, begin: Begin
) -> None:
    death, server = begin(lambda death: [calls(("c1", "probe_held", death.arguments())), None, says("Done.")])
    death.kill_when(lambda: len(server.asked) == 2)
    messages.post(session.pk, "And this")
    _ended_well(session, "Done.")
    told = [message["content"] for message in server.asked[-1]["messages"] if message["role"] == "user"]
    assert told == ["Hello", "And this"]
    assert not session.messages.unanswered().exists()


def test_killed_after_a_message_joined_it_is_neither_lost_nor_told_twice(
    session: ChatSession, begin: Begin
) -> None:
    death, server = begin(
        lambda death: [calls(("c1", "probe_held", death.arguments(gate="first_gate"))), None, says("Done.")]
    )
    until(lambda: death.is_called("probe_held"), 60)
    messages.post(session.pk, "And this")
    (death.folder / "first_gate").touch()
    death.kill_when(lambda: len(server.asked) == 2)
    _ended_well(session, "Done.")
    told = [message["content"] for message in server.asked[-1]["messages"] if message["role"] == "user"]
    assert told == ["Hello", "And this"]
    assert session.messages.filter(role="user", turn_id=session.turns.get().pk).count() == 2
