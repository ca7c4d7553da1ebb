"""Fixtures of the tests of agents."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents_app import liveness
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
def registered(db: None) -> Iterator[liveness.Identity]:
    """This process as a worker of its host, until the test ends."""
    identity = liveness.register("agents", ("tools", "exports"))
    yield identity
    liveness.forget(identity)
    os.close(liveness._own.descriptor)
    liveness._own = liveness._Own()
