"""The feed outlives its broker connection and holds no subscription that nobody needs."""

import asyncio
import time
from collections.abc import Callable

import pytest
import redis

from sessions_app.events import session_topic
from sessions_app.feed.hub import Hub
from sessions_app.models import ChatSession
from tests.sessions.sockets import Reader, in_thread, record, record_unheard

pytestmark = pytest.mark.django_db(transaction=True)


def _subscribers(broker: redis.Redis, session: ChatSession) -> int:
    return int(broker.pubsub_numsub(session_topic(session.pk))[0][1])


async def _until(condition: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_after_a_lost_connection_the_reader_has_caught_up_within_a_second(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    async with Reader(hub, session.pk) as reader:
        await _until(lambda: _subscribers(broker, session) == 1)
        # What is lost with the connection; after it, events are heard again, so none must be lost then.
        await record_unheard(session, 3)
        killed = time.monotonic()
        broker.client_kill_filter(_type="pubsub")
        await reader.until_seq(4, seconds=3)
        assert time.monotonic() - killed < 1
        await _until(lambda: _subscribers(broker, session) == 1)
        await record(session)
        await reader.until_seq(5)
        assert reader.seqs == [1, 2, 3, 4, 5]


async def test_a_connection_that_dies_again_and_again_loses_nothing(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    async with Reader(hub, session.pk) as reader:
        for _ in range(5):
            await _until(lambda: _subscribers(broker, session) == 1)
            await record(session, 2)
            broker.client_kill_filter(_type="pubsub")
            await record(session, 2)
        await reader.until_seq(21)
        assert reader.seqs == list(range(1, 22))


async def test_a_reader_may_join_while_the_connection_is_away(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    async with Reader(hub, session.pk):
        for round_number in range(20):
            other = await in_thread(lambda: ChatSession.objects.create(owner=session.owner))
            await _until(lambda: _subscribers(broker, session) == 1)
            broker.client_kill_filter(_type="pubsub")
            await asyncio.sleep(round_number * 0.0002)
            async with Reader(hub, other.pk) as late:
                await record(other, 2)
                await late.until_seq(2)
                assert late.seqs == [1, 2]


async def test_many_that_join_at_once_are_all_subscribed(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    make = [lambda: ChatSession.objects.create(owner=session.owner)] * 12
    sessions = [await in_thread(one) for one in make]
    readers = [Reader(hub, one.pk) for one in sessions]
    await asyncio.gather(*(reader.__aenter__() for reader in readers))
    await _until(lambda: all(_subscribers(broker, one) == 1 for one in sessions))
    await asyncio.gather(*(record(one) for one in sessions))
    for reader in readers:
        await reader.until_seq(1, seconds=2)
    await asyncio.gather(*(reader.__aexit__() for reader in readers))
    await _until(lambda: not any(_subscribers(broker, one) for one in sessions))


async def test_the_last_to_leave_ends_the_subscription(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    async with Reader(hub, session.pk):
        await _until(lambda: _subscribers(broker, session) == 1)
        async with Reader(hub, session.pk):
            pass
        assert _subscribers(broker, session) == 1
    await _until(lambda: _subscribers(broker, session) == 0)
    assert (hub.topics, hub._joined) == ({}, {})


async def test_one_that_comes_as_the_last_one_goes_is_served(
    hub: Hub, session: ChatSession, broker: redis.Redis
) -> None:
    for round_number in range(5):
        leaving = await Reader(hub, session.pk).__aenter__()
        coming = Reader(hub, session.pk)
        await asyncio.gather(leaving.__aexit__(), coming.__aenter__())
        await record(session)
        await coming.until_seq(round_number + 2, seconds=2)
        await coming.__aexit__()
