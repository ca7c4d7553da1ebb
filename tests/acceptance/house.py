"""Starts MCP Chat as `make run` does, in a folder of its own, and lets tests use and hurt it."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import httpx
import redis
from websockets.sync.client import ClientConnection, connect

from tests.environment import database_environment, free_port

ROOT = Path(__file__).resolve().parents[2]
FINAL = {"succeeded", "failed", "cancelled"}


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return the first true value of `condition()`; fail with `what` after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Site(Protocol):
    """Where an installation is reached."""

    url: str


class House:
    """A running installation."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Nothing of the test run's own settings: the installation stands on its embedded defaults, and with
        # DATABASE=postgres on a database of its own.
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self.environment = inherited | {
            "MCPCHAT_VAR": str(folder),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "MCPCHAT_TOOL_MODULES": "tests.probe_tools",
            **database_environment(),
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.link = ""
        self.people: list[Person] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        for person in self.people:
            person.http.close()
        self.stop()

    def start(self) -> None:
        """Start and wait for the printed link."""
        command = [sys.executable, "-m", "mcpchat_project.supervisor"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.link = self._printed_link()

    def stop(self) -> float:
        """Stop by SIGTERM and return how many seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        return time.monotonic() - began

    def manage(self, *arguments: str) -> str:
        """Run a management command on the installation's data and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def user(self, name: str) -> "Person":
        """Make a user with an API token."""
        self.manage("create_user", name)
        person = Person(self, self.manage("api_token", name).splitlines()[-1])
        self.people.append(person)
        return person

    def identities(self, kind: str) -> list[dict[str, Any]]:
        """Return the lock files of a kind of process: pid and start."""
        found = (_json(path) for path in (self.folder / "run" / "locks").glob("*.lock"))
        return [body for body in found if body and body["kind"] == kind]

    def process_named(self, name: str) -> int:
        """Return the pid of a process of the supervisor's: web, agents, chat, beat, keeper, broker."""
        assert self.process is not None
        pids = _children(self.process.pid)
        marks = {
            "web": "uvicorn",
            "agents": "agents@",
            "chat": "chat@",
            "beat": "mcpchat_project beat",
            "keeper": "keeper",
            "broker": "valkey",
        }
        return next(pid for pid in pids if marks[name] in _command(pid))

    def kill(self, name: str) -> None:
        """SIGKILL a process of the supervisor's."""
        os.kill(self.process_named(name), signal.SIGKILL)

    def wipe_broker(self) -> None:
        """Forget everything in the broker."""
        lines = (self.folder / "run" / "broker.conf").read_text().splitlines()
        options = dict(line.split(maxsplit=1) for line in lines if " " in line)
        password = options["requirepass"].strip('"')
        with redis.Redis(host="127.0.0.1", port=int(options["port"]), password=password) as client:
            client.flushall()

    def processes_with(self, text: str) -> list[int]:
        """Return the pids of all processes on the machine whose command line has `text`."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if text in _command(pid)]

    def work_folders(self) -> list[str]:
        """Return the names of the attempts' folders that are left."""
        return [path.name for path in (self.folder / "work").iterdir()]

    def _printed_link(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        seen = ""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                line = self.process.stdout.readline()
                seen += line
                if found := re.search(r"http://\S+/login/link/\S+", line):
                    return found[0]
                if not line:
                    break
        raise AssertionError(f"MCP Chat did not start:\n{seen}")


class Person:
    """A user of the REST API and the feed."""

    def __init__(self, house: Site, token: str) -> None:
        self.house = house
        self.headers = {"Authorization": f"Token {token}"}
        self.http = httpx.Client(base_url=house.url, headers=self.headers, timeout=20)

    def session(self) -> str:
        """Start a chat session and return its id."""
        return str(self.http.post("/api/sessions/", json={}).raise_for_status().json()["id"])

    def say(self, session_id: str, content: str) -> dict[str, Any]:
        """Post a message."""
        answer = self.http.post(f"/api/sessions/{session_id}/messages/", json={"content": content})
        return dict(answer.raise_for_status().json())

    def call(self, session_id: str, tool: str, **args: Any) -> dict[str, Any]:
        """Call a tool; a heavy one returns its subagent."""
        body = {"session_id": session_id, "args": args}
        return dict(self.http.post(f"/api/tools/{tool}/execute/", json=body).raise_for_status().json())

    def subagent(self, subagent_id: str) -> dict[str, Any]:
        """Return a subagent."""
        return dict(self.http.get(f"/api/subagents/{subagent_id}/").raise_for_status().json())

    def snapshot(self, session_id: str) -> dict[str, Any]:
        """Return a session's snapshot."""
        return dict(self.http.get(f"/api/sessions/{session_id}/").raise_for_status().json())

    def events(self, session_id: str) -> list[dict[str, Any]]:
        """Return the session's durable events."""
        return list(self.http.get(f"/api/sessions/{session_id}/events/").raise_for_status().json())

    def ended(self, subagent_id: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until a subagent has ended and return it."""

        def look() -> dict[str, Any] | None:
            try:
                subagent = self.subagent(subagent_id)
            except httpx.TransportError:  # the web process is being restarted
                return None
            return subagent if subagent["state"] in FINAL else None

        return dict(wait_for("the subagent ends", look, seconds))

    def running(self, subagent_id: str, progress: float = 0.1) -> dict[str, Any]:
        """Wait until a subagent runs and has made progress."""

        def look() -> dict[str, Any] | None:
            subagent = self.subagent(subagent_id)
            assert subagent["state"] not in FINAL, subagent
            return subagent if subagent["state"] == "running" and subagent["progress"] >= progress else None

        return dict(wait_for("the subagent runs", look))

    def quiet(self, session_id: str, seconds: float = 20) -> dict[str, Any]:
        """Wait until the session has no unfinished turn and return its snapshot."""

        def look() -> dict[str, Any] | None:
            snapshot = self.snapshot(session_id)
            return None if snapshot["turn"] else snapshot

        return dict(wait_for("the turn ends", look, seconds))

    @contextmanager
    def feed(self, session_id: str, after: int = 0) -> Iterator[ClientConnection]:
        """Follow a session over the websocket."""
        address = f"{self.house.url.replace('http', 'ws')}/ws/sessions/{session_id}/?after={after}"
        with connect(address, additional_headers=self.headers) as socket:
            yield socket


def events_until(socket: ClientConnection, kind: str, seconds: float = 30) -> list[dict[str, Any]]:
    """Return the events of a feed up to the first one of `kind`."""
    events: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for event in json.loads(socket.recv(timeout=max(deadline - time.monotonic(), 0.01))):
            events.append(event)
            if event["kind"] == kind:
                return events
    raise AssertionError(f"no {kind} within {seconds:.0f} s")


def assert_gapless(events: list[dict[str, Any]]) -> None:
    """Fail unless the durable events are numbered 1, 2, 3, …"""
    numbers = [event["seq"] for event in events]
    assert numbers == list(range(1, len(numbers) + 1))


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(word) for word in path.read_text().split()]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
