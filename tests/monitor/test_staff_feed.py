"""The websocket for staff, and what a session's feed answers to who asks for pruned events."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from knox.models import AuthToken

from sessions_app.events import announce_staff
from sessions_app.models import ChatSession, Event
from tests.sessions.sockets import in_thread, record
from tests.sessions.test_websocket import Headers, Socket

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/ws/staff/"


def _headers(user: Any) -> Headers:
    return [(b"authorization", f"Token {AuthToken.objects.create(user)[1]}".encode())]


@pytest.fixture
def staff(transactional_db: None) -> Headers:
    """Headers of an operator."""
    return _headers(get_user_model().objects.create_user("olga", is_staff=True))


@pytest.fixture
def anns(ann: Any) -> Headers:
    """Headers of a user."""
    return _headers(ann)


async def test_staff_hear_what_is_announced(staff: Headers) -> None:
    async with Socket(PATH, staff) as socket:
        assert [event["kind"] for event in await socket.frame()] == ["feed.ready"]
        await in_thread(lambda: announce_staff("worker.lost", {"worker_id": "1", "kind": "chat"}))
        (event,) = await socket.frame()
        assert (event["kind"], event["payload"]["kind"]) == ("worker.lost", "chat")
        await socket.say('{"type": "ping"}')
        assert (await socket.frame())[0]["kind"] == "feed.pong"


async def test_the_code_tells_staff_only_from_not_logged_in(anns: Headers) -> None:
    for headers, code in ((anns, 4403), ([(b"origin", b"http://localhost")], 4401), ([], 4403)):
        async with Socket(PATH, headers) as socket:
            assert (await socket.output())["code"] == code


async def test_who_asks_for_pruned_events_is_told_to_load_the_snapshot(
    session: ChatSession,
    anns: Headers,
    hub: Any,
) -> None:
    await record(session, 5)
    await in_thread(lambda: Event.objects.filter(session=session, seq__lte=4).delete())
    path = f"/ws/sessions/{session.pk}/"
    async with Socket(path, anns, "after=2") as socket:
        reset = (await socket.frame())[0]
        assert (reset["kind"], reset["payload"]) == ("feed.reset", {"last_seq": 6})
        assert (await socket.frame())[0]["kind"] == "feed.ready"
        await record(session)
        assert (await socket.frame())[0]["seq"] == 7


async def test_who_asks_for_what_is_still_kept_gets_it(
    session: ChatSession,
    anns: Headers,
    hub: Any,
) -> None:
    await record(session, 5)
    await in_thread(lambda: Event.objects.filter(session=session, seq__lte=4).delete())
    async with Socket(f"/ws/sessions/{session.pk}/", anns, "after=4") as socket:
        assert [event["seq"] for event in await socket.frame()] == [5, 6]


async def test_a_session_whose_events_are_all_pruned_is_followed_from_its_end(
    session: ChatSession,
    anns: Headers,
    hub: Any,
) -> None:
    await record(session, 2)
    await in_thread(lambda: Event.objects.filter(session=session).delete())
    path = f"/ws/sessions/{session.pk}/"
    async with Socket(path, anns, "after=3") as socket:
        assert (await socket.frame())[0]["kind"] == "feed.ready"
    async with Socket(path, anns, "after=0") as socket, asyncio.timeout(5):
        assert (await socket.frame())[0]["kind"] == "feed.reset"
