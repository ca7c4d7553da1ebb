"""Events for programs that hold no websocket: a long wait, or server-sent events."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connections
from django.test import AsyncClient
from knox.models import AuthToken

from mcpchat_project.asgi import application
from sessions_app import event_stream, lifecycle
from sessions_app.events import announce
from sessions_app.feed.hub import Hub
from sessions_app.models import ChatSession, Event
from tests.sessions.sockets import in_thread, record, record_unheard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hub")]
# Its methods carry no types.
Communicator: Any = ApplicationCommunicator
Get = Callable[..., Any]


@pytest.fixture
def token(ann: Any) -> str:
    """An API token of ann's."""
    return str(AuthToken.objects.create(ann)[1])


@pytest.fixture
def get(token: str) -> Get:
    """Ask for the events of a session as ann."""

    async def ask(session: ChatSession, query: str = "", **headers: str) -> Any:
        client = AsyncClient()
        sent = {"Authorization": f"Token {token}", **headers}
        return await client.get(f"/api/sessions/{session.pk}/events/{query}", headers=sent)

    return ask


class Stream:
    """A client of server-sent events."""

    def __init__(self, session: ChatSession, token: str, query: str = "", last_id: str = "") -> None:
        headers = [
            (b"host", b"localhost"),
            (b"authorization", f"Token {token}".encode()),
            (b"accept", b"text/event-stream"),
        ]
        if last_id:
            headers.append((b"last-event-id", last_id.encode()))
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/api/sessions/{session.pk}/events/",
            "query_string": query.encode(),
            "headers": headers,
        }
        self._communicator = Communicator(application, scope)
        self._text = ""
        self.status = 0

    async def begin(self) -> None:
        """Send the request and take the beginning of the answer."""
        await self._communicator.send_input({"type": "http.request"})
        started = await self._communicator.receive_output(timeout=3)
        self.status = started["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in started["headers"]}

    async def end(self) -> None:
        """Go away."""
        await self._communicator.send_input({"type": "http.disconnect"})
        await self._communicator.wait(3)

    async def ended(self) -> None:
        """Return when the server has ended the stream."""
        async with asyncio.timeout(3):
            while (await self._communicator.receive_output(timeout=3)).get("more_body"):
                pass

    async def message(self) -> str:
        """Return the next message of the stream."""
        async with asyncio.timeout(3):
            while "\n\n" not in self._text:
                self._text += (await self._communicator.receive_output(timeout=3))["body"].decode()
        message, _, self._text = self._text.partition("\n\n")
        return message

    async def event(self) -> tuple[str | None, dict[str, Any]]:
        """Return the id and the event of the next message that has one."""
        fields: dict[str, str] = {}
        while "data" not in fields:
            lines = (await self.message()).splitlines()
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        return fields.get("id"), json.loads(fields["data"])


@asynccontextmanager
async def _stream(*arguments: Any, **options: Any) -> AsyncIterator[Stream]:
    stream = Stream(*arguments, **options)
    await stream.begin()
    try:
        yield stream
    finally:
        await stream.end()


async def test_a_wait_ends_with_the_first_event(session: ChatSession, get: Get, hub: Hub) -> None:
    answer = asyncio.create_task(get(session, "?after=1&wait=10"))
    async with asyncio.timeout(3):
        while not hub.topics:
            await asyncio.sleep(0.01)
    await record(session)
    async with asyncio.timeout(3):
        assert [event["seq"] for event in (await answer).json()] == [2]
    assert hub.topics == {}


async def test_a_wait_without_an_event_ends_with_an_empty_list(session: ChatSession, get: Get) -> None:
    began = time.monotonic()
    assert (await get(session, "?after=1&wait=0.2")).json() == []
    assert 0.2 <= time.monotonic() - began < 2


async def test_what_is_not_stored_does_not_end_a_wait(session: ChatSession, get: Get, hub: Hub) -> None:
    answer = asyncio.create_task(get(session, "?after=1&wait=0.4"))
    async with asyncio.timeout(3):
        while not hub.topics:
            await asyncio.sleep(0.01)
    await in_thread(lambda: announce(session.pk, "subagent.progress", {"progress": 1}))
    assert (await answer).json() == []


async def test_an_event_whose_publication_was_lost_is_in_the_answer(session: ChatSession, get: Get) -> None:
    await record_unheard(session)
    assert [event["seq"] for event in (await get(session, "?after=1&wait=10")).json()] == [2]


@pytest.mark.parametrize("wait", ["-1", "31", "x", "nan", "inf"])
async def test_a_wait_that_makes_no_sense_is_refused(session: ChatSession, get: Get, wait: str) -> None:
    answer = await get(session, f"?wait={wait}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_wait")


@pytest.mark.parametrize("after", ["2", "-1", "x", "1.0", "9" * 30, "%D9%A1", "", "0x1"])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_an_after_that_makes_no_sense_is_refused(
    session: ChatSession, get: Get, after: str, accept: str
) -> None:
    answer = await get(session, f"?after={after}", Accept=accept)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_after")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_who_asks_for_removed_events_is_told_to_load_the_session(
    session: ChatSession, get: Get, accept: str
) -> None:
    await record(session, 3)
    await in_thread(lambda: Event.objects.filter(session=session, seq__lte=2).delete())
    answer = await get(session, "?after=1", Accept=accept)
    assert answer.status_code == 410
    assert (answer.json()["code"], answer.json()["last_seq"]) == ("events_pruned", 4)
    assert [event["seq"] for event in (await get(session, "?after=2")).json()] == [3, 4]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_another_users_events_do_not_exist(bob: Any, get: Get, accept: str) -> None:
    theirs = await in_thread(lambda: lifecycle.start(bob))
    assert (await get(theirs, "?wait=1", Accept=accept)).status_code == 404
    assert (await get(ChatSession(pk=uuid4()), Accept=accept)).status_code == 404


async def test_a_stream_replays_and_goes_on(session: ChatSession, token: str, hub: Hub) -> None:
    await record(session, 2)
    async with _stream(session, token, "after=1") as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-cache"
        assert [(await stream.event())[0] for _ in range(2)] == ["2", "3"]
        await record(session)
        place, event = await stream.event()
        assert (place, event["seq"], event["kind"]) == ("4", 4, "session.updated")
        await in_thread(lambda: announce(session.pk, "subagent.progress", {"progress": 1}))
        place, event = await stream.event()
        assert (place, event["kind"]) == (None, "subagent.progress")
    assert (hub.topics, dict(hub._held)) == ({}, {})


async def test_a_stream_goes_on_after_the_last_id(session: ChatSession, token: str) -> None:
    await record(session, 3)
    async with _stream(session, token, "after=0", last_id="3") as stream:
        assert (await stream.event())[0] == "4"


async def test_a_stream_that_says_nothing_says_that_it_is_there(
    session: ChatSession, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "KEEPALIVE_SECONDS", 0.05)
    async with _stream(session, token, "after=1") as stream:
        while not (await stream.message()).startswith(":"):
            pass
        await record(session)
        assert (await stream.event())[0] == "2"


async def test_a_stream_ends_after_its_time(
    session: ChatSession, token: str, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.2)
    monkeypatch.setattr(event_stream, "KEEPALIVE_SECONDS", 0.05)
    async with _stream(session, token, "after=1") as stream:
        await stream.ended()
        assert (hub.topics, dict(hub._held)) == ({}, {})


async def test_too_many_at_once_are_refused(
    session: ChatSession, get: Get, token: str, settings: Any
) -> None:
    settings.FEED_SOCKETS_PER_USER = 1
    async with _stream(session, token, "after=1"):
        for accept in ("application/json", "text/event-stream"):
            answer = await get(session, "?after=1&wait=1", Accept=accept)
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_feeds")
            assert answer["Retry-After"] == "10"
    assert (await get(session, "?after=1&wait=0.1")).status_code == 200


async def test_those_who_wait_hold_no_thread(session: ChatSession, get: Get, hub: Hub) -> None:
    # Each in a context of its own, as the server runs them.
    async def wait() -> Any:
        async with ThreadSensitiveContext():
            answer = await get(session, "?after=1&wait=10")
            await sync_to_async(connections.close_all)()  # as the server does at the end of a request
            return answer

    before = threading.active_count()
    answers = [asyncio.create_task(wait()) for _ in range(30)]
    async with asyncio.timeout(20):
        while sum(hub._held.values()) < 30:
            await asyncio.sleep(0.01)
    held = threading.active_count() - before
    await record(session)
    await asyncio.gather(*answers)
    assert held < 10
