"""An installation of the tests' own, and the people who use it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.environment import database_environment
from tests.installation import ROOT, Installation

__all__ = ["ROOT", "House", "Person", "Site", "assert_gapless", "events_until", "wait_for"]
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


class House(Installation):
    """A running installation with users; with DATABASE=postgres on a database of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        tools = {"MCPCHAT_TOOL_MODULES": "tests.probe_tools"}
        super().__init__(folder, {**tools, **database_environment(), **environment})
        self.people: list[Person] = []

    def __exit__(self, *_: object) -> None:
        for person in self.people:
            person.http.close()
        self.stop()

    def user(self, name: str) -> "Person":
        """Make a user with an API token."""
        self.manage("create_user", name)
        person = Person(self, self.manage("api_token", name).splitlines()[-1])
        self.people.append(person)
        return person


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
