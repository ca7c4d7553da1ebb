"""Fixtures of the tests of agents."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents_app import liveness
from agents_app.keeper import Keeper
from agents_app.llm import demo
from agents_app.registry import TOOLS, ToolResult, tool
from tests.agents.processes import StartWorker, WorkerProcess

ANYTHING = {"type": "object"}


@pytest.fixture
def declare() -> Iterator[Callable[..., None]]:
    """Declare a function as a tool for the time of the test."""
    before = dict(TOOLS)

    def add(name: str, run: Callable[..., ToolResult], **how: Any) -> None:
        tool(**{"name": name, "description": "", "input_schema": ANYTHING} | how)(run)

    yield add
    TOOLS.clear()
    TOOLS.update(before)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo model does not pause between words."""
    monkeypatch.setattr(demo, "WORD_SECONDS", 0)


@pytest.fixture
def var(tmp_path: Path, settings: Any) -> Path:
    """The folder of the host's running things."""
    settings.RUN_DIR, settings.LOCK_DIR = tmp_path / "run", tmp_path / "run" / "locks"
    settings.WORK_DIR = tmp_path / "work"
    for folder in (settings.LOCK_DIR, settings.WORK_DIR):
        folder.mkdir(parents=True)
    return tmp_path


@pytest.fixture
def keeper(var: Path, ann: Any) -> Iterator[Keeper]:
    """The keeper of the host, in this process."""
    one = Keeper()
    yield one
    os.close(liveness._own.descriptor)
    liveness._own = liveness._Own()


@pytest.fixture
def start_worker(var: Path) -> Iterator[StartWorker]:
    """Start a worker process of the host."""
    started: list[WorkerProcess] = []

    def add(kind: str = "agents") -> WorkerProcess:
        started.append(WorkerProcess(var, kind))
        return started[-1].ready()

    yield add
    for one in started:
        one.end()
