"""How events are put into frames, and what becomes of a reader that does not keep up."""

import asyncio
import time

import pytest

from sessions_app import feed
from sessions_app.feed import Hub, Line, Subscriber, Topic, as_frame
from sessions_app.models import ChatSession
from tests.sessions.sockets import Reader, record


def _line(seq: int | None) -> Line:
    return Line(f'{{"seq":{seq}}}' if seq else '{"kind":"message.delta"}', seq)


def _taken(subscriber: Subscriber) -> list[str | None]:
    return [subscriber.frames.get_nowait() for _ in range(subscriber.frames.qsize())]


async def _topic(*subscribers: Subscriber) -> Topic:
    topic = Topic("session", 0)
    for subscriber in subscribers:
        topic.attach(subscriber)
    return topic


async def test_the_first_event_goes_out_at_once() -> None:
    subscriber = Subscriber(0)
    topic = await _topic(subscriber)
    topic.accept(_line(1))
    assert _taken(subscriber) == ['[{"seq":1}]']


async def test_a_burst_of_thirty_comes_in_a_few_frames_of_at_most_ten() -> None:
    subscriber = Subscriber(0)
    topic = await _topic(subscriber)
    for seq in range(1, 31):
        topic.accept(_line(seq))
    await asyncio.sleep(feed.COALESCE_SECONDS * 3)
    frames = _taken(subscriber)
    assert len(frames) == 4
    assert all(str(frame).count("seq") <= feed.FRAME_EVENTS for frame in frames)
    assert [number for frame in frames for number in _numbers(frame)] == list(range(1, 31))


async def test_what_follows_within_20_ms_is_gathered_and_sent_without_another_event() -> None:
    subscriber = Subscriber(0)
    topic = await _topic(subscriber)
    topic.accept(_line(1))
    topic.accept(_line(2))
    topic.accept(_line(None))
    assert subscriber.frames.qsize() == 1
    began = time.monotonic()
    async with asyncio.timeout(1):
        assert await subscriber.frames.get() == '[{"seq":1}]'
        assert await subscriber.frames.get() == '[{"seq":2},{"kind":"message.delta"}]'
    assert time.monotonic() - began < 0.5


async def test_after_a_pause_an_event_goes_out_at_once_again() -> None:
    subscriber = Subscriber(0)
    topic = await _topic(subscriber)
    topic.accept(_line(1))
    await asyncio.sleep(feed.COALESCE_SECONDS * 3)
    topic.accept(_line(2))
    assert len(_taken(subscriber)) == 2


async def test_a_reader_that_is_ahead_gets_only_what_it_lacks() -> None:
    level, ahead = Subscriber(0), Subscriber(2)
    topic = await _topic(level, ahead)
    topic.accept(_line(1))
    for seq in (2, 3):
        topic.accept(_line(seq))
    await asyncio.sleep(feed.COALESCE_SECONDS * 3)
    assert [number for frame in _taken(level) for number in _numbers(frame)] == [1, 2, 3]
    assert [number for frame in _taken(ahead) for number in _numbers(frame)] == [3]


def test_a_reader_that_does_not_read_is_dropped_and_its_frames_are_let_go() -> None:
    subscriber = Subscriber(0)
    for seq in range(1, 10 * feed.SOCKET_FRAMES):
        subscriber.offer([_line(seq)], as_frame([_line(seq)]))
        assert subscriber.frames.qsize() <= feed.SOCKET_FRAMES
    assert subscriber.too_slow
    assert _taken(subscriber) == [None]


@pytest.mark.django_db(transaction=True)
async def test_a_slow_reader_is_dropped_and_the_others_read_on(
    hub: Hub, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SOCKET_FRAMES", 2)
    slow = await hub.join(session.pk, 1, _ignore)
    monkeypatch.setattr(feed, "SOCKET_FRAMES", 256)
    async with Reader(hub, session.pk, 1) as reader:
        await record(session, 60)
        await reader.until_seq(61)
        assert reader.seqs == list(range(2, 62))
    assert slow.too_slow
    assert slow.frames.qsize() == 1
    await hub.leave(session.pk, slow)


async def _ignore(frame: str) -> None:
    """A socket's `send` that has nothing to do."""


def _numbers(frame: str | None) -> list[int]:
    return [int(part.split("}")[0]) for part in str(frame).split('"seq":')[1:]]
