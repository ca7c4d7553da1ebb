"""The websocket door: who may listen, from where, and what is answered to whom."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client
from knox.models import AuthToken

from mcpchat_project.asgi import application
from sessions_app import consumers, lifecycle
from sessions_app.feed import rows
from sessions_app.feed.hub import Hub
from sessions_app.feed.lines import Line
from sessions_app.models import ChatSession
from tests.sessions.sockets import in_thread, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hub")]
Headers = list[tuple[bytes, bytes]]
ORIGIN = (b"origin", b"http://localhost:8000")
WAIT_SECONDS = 3


@pytest.fixture
def token(ann: Any) -> Headers:
    """Headers that carry ann's API token."""
    return [(b"authorization", f"Token {AuthToken.objects.create(ann)[1]}".encode())]


@pytest.fixture
def cookie(ann: Any) -> Headers:
    """Headers that carry ann's login cookie, and no Origin."""
    client = Client()
    client.force_login(ann)
    return [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]


# Its methods carry no types.
Communicator: Any = ApplicationCommunicator


class Socket(Communicator):
    """A websocket client of the whole application."""

    def __init__(self, path: str, headers: Headers, query: str = "") -> None:
        scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": headers}
        super().__init__(application, scope | {"subprotocols": []})

    async def __aenter__(self) -> "Socket":
        await self.send_input({"type": "websocket.connect"})
        assert (await self.output())["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.future.done():
            await self.send_input({"type": "websocket.disconnect", "code": 1000})
            await self.wait(WAIT_SECONDS)

    async def output(self) -> dict[str, Any]:
        """Return the server's next message; what the server raised instead is raised here."""
        answer = asyncio.ensure_future(self.output_queue.get())
        await asyncio.wait({answer, self.future}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return dict(answer.result())
        answer.cancel()
        if self.future.done():
            self.future.result()
        raise AssertionError(f"the server said nothing within {WAIT_SECONDS} s")

    async def say(self, text: str | None = None, data: bytes | None = None) -> None:
        """Send a frame, of text or of bytes."""
        await self.send_input({"type": "websocket.receive", "text": text, "bytes": data})

    async def frame(self) -> list[dict[str, Any]]:
        """Return the next frame's events."""
        output = await self.output()
        assert output["type"] == "websocket.send", output
        frame: list[dict[str, Any]] = json.loads(output["text"])
        return frame

    async def kinds(self, count: int) -> list[str]:
        """Return the kinds of the next events."""
        kinds: list[str] = []
        while len(kinds) < count:
            kinds += [event["kind"] for event in await self.frame()]
        return kinds

    async def close_code(self) -> int:
        """Return the code that the server closes with."""
        output = await self.output()
        assert output["type"] == "websocket.close", output
        return int(output["code"])


def _feed(session_id: object, headers: Headers, query: str = "") -> Socket:
    return Socket(f"/ws/sessions/{session_id}/", headers, query)


async def _refused(session_id: object, headers: Headers, query: str = "") -> int:
    async with _feed(session_id, headers, query) as socket:
        return await socket.close_code()


async def test_a_token_opens_the_feed_without_an_origin(session: ChatSession, token: Headers) -> None:
    async with _feed(session.pk, token) as socket:
        assert await socket.kinds(2) == ["session.started", "feed.ready"]
        await record(session)
        assert await socket.kinds(1) == ["session.updated"]


async def test_a_cookie_with_an_allowed_origin_opens_the_feed(session: ChatSession, cookie: Headers) -> None:
    async with _feed(session.pk, [*cookie, ORIGIN]) as socket:
        assert await socket.kinds(2) == ["session.started", "feed.ready"]


@pytest.mark.parametrize(
    "origin",
    [None, b"http://evil.example", b"http://localhost.evil.example", b"null", b"", b"http://", b"\xff\xfe"],
)
async def test_a_cookie_from_a_foreign_page_is_refused(
    session: ChatSession, cookie: Headers, origin: bytes | None
) -> None:
    headers = cookie if origin is None else [*cookie, (b"origin", origin)]
    assert await _refused(session.pk, headers) == 4403


@pytest.mark.parametrize(
    "header", [b"Token wrong", b"Token ", b"Token", b"Basic YTpi", b"", b"\xff\xff", b"Token " + b"0" * 64]
)
async def test_a_wrong_token_is_not_a_login(session: ChatSession, header: bytes) -> None:
    assert await _refused(session.pk, [(b"authorization", header)]) == 4401


async def test_a_wrong_token_does_not_fall_back_to_the_cookie(session: ChatSession, cookie: Headers) -> None:
    headers = [(b"authorization", b"Token wrong"), *cookie, ORIGIN]
    assert await _refused(session.pk, headers) == 4401


async def test_rest_and_websocket_take_the_same_authorization_header(
    session: ChatSession, token: Headers
) -> None:
    value = token[0][1].decode().replace("Token", "token")
    answer = await in_thread(
        lambda: Client().get(f"/api/sessions/{session.pk}/", headers={"authorization": value})
    )
    opened = await _first_output(session, [(b"authorization", value.encode())])
    assert (answer.status_code == 200) == (opened["type"] == "websocket.send")


async def _first_output(session: ChatSession, headers: Headers) -> dict[str, Any]:
    async with _feed(session.pk, headers) as socket:
        return await socket.output()


async def test_a_page_without_a_login_is_told_so(session: ChatSession) -> None:
    assert await _refused(session.pk, [ORIGIN]) == 4401


async def test_another_users_session_looks_like_none(bob: Any, token: Headers) -> None:
    theirs = await in_thread(lambda: lifecycle.start(bob))
    assert await _refused(theirs.pk, token) == 4404
    assert await _refused(uuid4(), token) == 4404


async def test_a_deleted_session_is_none(session: ChatSession, token: Headers) -> None:
    await in_thread(lambda: lifecycle.delete(session.pk))
    assert await _refused(session.pk, token) == 4404


@pytest.mark.parametrize(
    "after", ["abc", "-1", "2", "1.0", "%D9%A1", "9" * 18, "9" * 400, "1%00", "0x1", "%2B1", "1&after=99"]
)
async def test_an_after_that_makes_no_sense_is_refused(
    session: ChatSession, token: Headers, after: str
) -> None:
    assert await _refused(session.pk, token, f"after={after}") == 4400


async def test_after_the_newest_event_nothing_is_replayed(session: ChatSession, token: Headers) -> None:
    async with _feed(session.pk, token, "after=1") as socket:
        assert await socket.frame() == [{"kind": "feed.ready", "payload": {"last_seq": 1}}]


async def test_a_ping_is_answered(session: ChatSession, token: Headers) -> None:
    async with _feed(session.pk, token, "after=1") as socket:
        await socket.frame()
        await socket.say('{"type": "ping"}')
        assert await socket.kinds(1) == ["feed.pong"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed_json"),
        ("", "malformed_json"),
        ("x" * 2000, "malformed_json"),
        ("[" * 1000, "malformed_json"),
        ("[]", "unknown_type"),
        ("1", "unknown_type"),
        ('{"type": "subscribe"}', "unknown_type"),
        ('{"type": ["ping"]}', "unknown_type"),
    ],
)
async def test_nonsense_is_answered_and_the_socket_stays(
    session: ChatSession, token: Headers, text: str, code: str
) -> None:
    async with _feed(session.pk, token, "after=1") as socket:
        await socket.frame()
        await socket.say(text)
        error = (await socket.frame())[0]
        assert (error["kind"], error["payload"]["code"]) == ("feed.error", code)
        await record(session)
        assert await socket.kinds(1) == ["session.updated"]


async def test_binary_frames_are_answered_by_an_error(session: ChatSession, token: Headers) -> None:
    async with _feed(session.pk, token, "after=1") as socket:
        await socket.frame()
        await socket.say(data=b"\x00\xff")
        assert await socket.kinds(1) == ["feed.error"]


async def test_a_login_that_ends_ends_the_feed(
    session: ChatSession, ann: Any, cookie: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "LOOK_AGAIN_SECONDS", 0.1)
    async with _feed(session.pk, [*cookie, ORIGIN], "after=1") as socket:
        await socket.frame()
        await in_thread(Session.objects.all().delete)
        assert await socket.close_code() == 4401


@pytest.mark.parametrize(
    ("loss", "code"), [("token", 4401), ("user", 4401), ("session", 4404), ("database", None)]
)
async def test_who_may_not_listen_any_more_is_told_so(
    session: ChatSession,
    ann: Any,
    token: Headers,
    monkeypatch: pytest.MonkeyPatch,
    loss: str,
    code: int | None,
) -> None:
    monkeypatch.setattr(consumers, "LOOK_AGAIN_SECONDS", 0.1)
    async with _feed(session.pk, token, "after=1") as socket:
        await socket.frame()
        if loss == "token":
            await in_thread(AuthToken.objects.all().delete)
        elif loss == "user":
            await in_thread(lambda: type(ann).objects.filter(pk=ann.pk).update(is_active=False))
        elif loss == "session":
            await in_thread(lambda: lifecycle.delete(session.pk))
            await socket.frame()
        else:
            monkeypatch.setattr(ChatSession, "kept_seqs", _fail)
            await asyncio.sleep(0.3)
            await record(session)
            assert await socket.kinds(1) == ["session.updated"]
        if code:
            assert await socket.close_code() == code


async def test_one_socket_too_many_is_refused_and_one_that_goes_makes_room(
    session: ChatSession, token: Headers, settings: Any
) -> None:
    settings.FEED_SOCKETS_PER_USER = 2
    async with _feed(session.pk, token) as first, _feed(session.pk, token) as second:
        await first.frame()
        await second.frame()
        assert await _refused(session.pk, token) == 4429
    async with _feed(session.pk, token, "after=1") as socket:
        assert (await socket.frame())[0]["kind"] == "feed.ready"


async def test_a_socket_that_goes_leaves_nothing_behind(
    session: ChatSession, token: Headers, hub: Hub
) -> None:
    async with _feed(session.pk, token) as socket:
        await socket.kinds(2)
        assert len(hub.topics) == 1
    assert (hub.topics, hub._joined) == ({}, {})


def _fail(*_: object) -> None:
    raise OperationalError("the database is away")


async def test_a_feed_that_cannot_be_read_closes_the_socket(
    session: ChatSession, token: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> list[Line]:
        raise OperationalError("the database is away")

    monkeypatch.setattr(rows, "lines_after", fail)
    async with _feed(session.pk, token) as socket:
        assert await socket.close_code() >= 1011


async def test_an_address_that_does_not_exist_is_refused_without_an_error(token: Headers) -> None:
    async with Socket("/ws/nothing/", token) as socket:
        assert await socket.close_code() == 4404
