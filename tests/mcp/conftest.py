"""Hubs, and servers that they connect to."""

import asyncio
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import psutil
import pytest

from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Report
from agents_app.mcp.server import Server

SERVERS = Path(__file__).with_name("servers")


@pytest.fixture
def reports() -> list[Report]:
    """What the hub reported."""
    return []


@pytest.fixture
async def hub(reports: list[Report]) -> AsyncIterator[Hub]:
    """A hub that leaves no process and no task behind."""
    before = set(psutil.Process().children())
    running = Hub(report=lambda _server, report: reports.append(report))
    yield running
    await running.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    # Not all descendants: a database that the tests run on starts and ends processes of its own.
    assert not set(psutil.Process().children()) - before


def stdio(script: str, *args: str, **settings: Any) -> Server:
    """A server over stdio."""
    settings = {"id": uuid.uuid4(), "name": "probe", "connect_timeout_seconds": 20, **settings}
    return Server(transport="stdio", command=sys.executable, args=(str(SERVERS / script), *args), **settings)


def raw(manner: str, *args: str, **settings: Any) -> Server:
    """A server over stdio that misbehaves."""
    return stdio("raw.py", manner, *args, **settings)


def http(url: str, **settings: Any) -> Server:
    """A server over Streamable HTTP."""
    settings = {"id": uuid.uuid4(), "name": "probe", "connect_timeout_seconds": 20, **settings}
    return Server(transport="http", url=url, **settings)


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class HttpServer:
    """The SDK's server over HTTP, which can be killed and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, str(SERVERS / "sdk.py"), str(self.port)]
        self.process = Popen(command, stdout=DEVNULL, stderr=DEVNULL)
        deadline = time.monotonic() + 20
        while not self._listens():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A server over Streamable HTTP."""
    running = HttpServer()
    yield running
    running.kill()
