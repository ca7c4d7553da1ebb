"""Every reader of a feed gets each event in order, none missing, none twice."""

import asyncio

import pytest
import redis

from sessions_app.events import announce, session_topic
from sessions_app.feed import hub as hub_module
from sessions_app.feed import lines, rows
from sessions_app.feed.hub import Hub
from sessions_app.models import ChatSession
from tests.sessions.sockets import Reader, in_thread, record, record_unheard

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("after", "expected"), [(0, [1, 2, 3, 4, 5]), (2, [3, 4, 5]), (4, [5])])
async def test_rows_after_the_seq_are_replayed_then_live_events_follow(
    hub: Hub, session: ChatSession, after: int, expected: list[int]
) -> None:
    await record(session, 3)
    async with Reader(hub, session.pk, after) as reader:
        assert reader.seqs == expected[:-1]
        await record(session)
        await reader.until_seq(5)
        assert reader.seqs == expected


async def test_readers_that_join_while_events_are_written_miss_none_and_get_none_twice(
    hub: Hub, session: ChatSession
) -> None:
    writing = asyncio.create_task(record(session, 200))
    readers = []
    for after in (0, 1, 0, 1, 0):
        readers.append(await Reader(hub, session.pk, after).__aenter__())
        await record(session, 2)
    await writing
    for number, reader in enumerate(readers):
        await reader.until_seq(211)
        assert reader.seqs == list(range(1 + number % 2, 212))
        await reader.__aexit__()


async def test_a_long_replay_comes_in_frames_of_at_most_ten(hub: Hub, session: ChatSession) -> None:
    await record_unheard(session, rows.REPLAY_ROWS + 30)
    async with Reader(hub, session.pk) as reader:
        assert reader.seqs == list(range(1, rows.REPLAY_ROWS + 32))
        assert max(len(frame) for frame in reader.frames) == lines.FRAME_EVENTS


async def test_a_gap_is_filled_from_the_rows(hub: Hub, session: ChatSession) -> None:
    async with Reader(hub, session.pk) as reader:
        await record_unheard(session, 15)
        await record(session)
        await reader.until_seq(17)
        assert reader.seqs == list(range(1, 18))


async def test_a_lost_publication_that_nothing_follows_is_found_by_the_poll(
    hub: Hub, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 0.1)
    async with Reader(hub, session.pk) as reader:
        await record_unheard(session)
        await reader.until_seq(2, seconds=2)
        assert reader.seqs == [1, 2]


async def test_an_event_that_is_published_twice_comes_once(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    async with Reader(hub, session.pk) as reader:
        await record(session)
        await reader.until_seq(2)
        text = f'{{"session_id":"{session.pk}","seq":2,"kind":"session.updated","payload":{{}}}}'
        broker.publish(session_topic(session.pk), text)
        await record(session)
        await reader.until_seq(3)
        assert reader.seqs == [1, 2, 3]


async def test_two_sessions_are_not_mixed(hub: Hub, session: ChatSession) -> None:
    other = await in_thread(lambda: ChatSession.objects.create(owner=session.owner))
    async with Reader(hub, session.pk) as reader, Reader(hub, other.pk) as stranger:
        await record(session)
        await record(other)
        await reader.until_seq(2)
        await stranger.until_seq(1)
        assert {event["session_id"] for event in reader.events} == {str(session.pk)}
        assert {event["session_id"] for event in stranger.events} == {str(other.pk)}


async def test_an_ephemeral_event_is_passed_on_without_a_seq(hub: Hub, session: ChatSession) -> None:
    async with Reader(hub, session.pk) as reader:
        await in_thread(lambda: announce(session.pk, "subagent.progress", {"progress": 1}))
        await reader.until(lambda: len(reader.events) == 2)
        assert reader.events[1]["kind"] == "subagent.progress"
        assert "seq" not in reader.events[1]
        await record(session)
        await reader.until_seq(2)


async def test_a_session_that_does_not_exist_is_refused_and_leaves_nothing_behind(hub: Hub) -> None:
    nowhere = ChatSession(owner_id=1)
    with pytest.raises(ChatSession.DoesNotExist):
        await Reader(hub, nowhere.pk).__aenter__()
    assert (hub.topics, hub._joined) == ({}, {})
