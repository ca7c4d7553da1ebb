"""Fixtures of the tests of agents."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents_app.llm import demo
from agents_app.registry import TOOLS, ToolResult, tool

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
