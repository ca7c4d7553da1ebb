"""Turns under way in a thread of this process, answered by a real provider over HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents_app import turns
from agents_app.models import Turn
from sessions_app import messages
from sessions_app.models import ChatSession
from tests.agents.answering import run_and_close, waiting
from tests.agents.model_server import ModelServer
from tests.project.waiting import until


class UnderWay:
    """A turn that a thread answers."""

    def __init__(self, session: ChatSession, server: ModelServer, folder: Path) -> None:
        self.session, self.server, self.gate, self.ledger = (
            session,
            server,
            folder / "gate",
            folder / "ledger",
        )
        self.turn = waiting(session)
        self._thread = threading.Thread(target=run_and_close, args=(self.turn,))
        self._thread.start()

    def wait_for_effect(self) -> None:
        """Wait until a held tool is being called."""
        until(self.ledger.exists)

    def ended(self, seconds: float = 10) -> Turn:
        """Wait for the turn's end and return it."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        return Turn.objects.get(pk=self.turn.pk)

    def stop(self) -> float:
        """Stop the turn and return how many seconds its end took."""
        began = time.monotonic()
        turns.stop(self.turn.pk)
        self.ended()
        return time.monotonic() - began


Begin = Callable[..., UnderWay]


def held(folder: Path) -> str:
    """Return arguments of a held tool."""
    return json.dumps({"ledger": str(folder / "ledger"), "gate": str(folder / "gate")})


@pytest.fixture
def begin(
    session: ChatSession, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Begin]:
    """Post a message and have it answered in a thread by a server with these answers."""
    settings.MCPCHAT_MODEL = "openai:any-model"
    monkeypatch.setenv("OPENAI_API_KEY", "key-1")
    servers: list[ModelServer] = []

    def do(*answers: Any, said: str = "Hello") -> UnderWay:
        servers.append(ModelServer(*answers).__enter__())
        monkeypatch.setenv("OPENAI_BASE_URL", servers[-1].url)
        messages.post(session.pk, said)
        return UnderWay(session, servers[-1], tmp_path)

    yield do
    (tmp_path / "gate").touch()
    for server in servers:
        server.__exit__()
    # A tool that heeded nothing has a connection until it ends.
    until(lambda: not any(thread.name == "tool" for thread in threading.enumerate()))
