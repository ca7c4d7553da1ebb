"""How events are put into frames, and what becomes of a reader that does not keep up."""

import asyncio
import time
from uuid import uuid4

import pytest

from sessions_app.events import encode_ephemeral
from sessions_app.feed import subscriber, topic
from sessions_app.feed.hub import Hub
from sessions_app.feed.lines import Frame, Line
from sessions_app.feed.subscriber import Subscriber
from sessions_app.feed.topic import SessionTopic, Topic
from sessions_app.models import ChatSession
from tests.sessions.sockets import Reader, record


def _line(seq: int | None) -> Line:
    return Line(f'{{"seq":{seq}}}' if seq else '{"kind":"message.delta"}', seq)


class Wire:
    """A socket that takes frames while it is open, and keeps who sends waiting while it is not."""

    def __init__(self, seq: int = 0) -> None:
        self.frames: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.subscriber = Subscriber(seq, self.send)

    async def send(self, frame: str) -> None:
        """Take a frame."""
        await self.open.wait()
        self.frames.append(frame)

    @property
    def numbers(self) -> list[int]:
        """The `seq` of each event that was sent."""
        return [int(part.split("}")[0]) for frame in self.frames for part in frame.split('"seq":')[1:]]


def _topic(*wires: Wire) -> Topic:
    made = Topic()
    for wire in wires:
        made.attach(wire.subscriber)
    return made


async def _soon() -> None:
    """Let what was begun on the loop happen, and no more time pass than that takes."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_event_goes_out_at_once() -> None:
    wire = Wire()
    _topic(wire).accept(_line(1))
    await _soon()
    assert wire.frames == ['[{"seq":1}]']


async def test_a_burst_of_thirty_comes_in_a_few_frames_of_at_most_ten() -> None:
    wire = Wire()
    busy = _topic(wire)
    for seq in range(1, 31):
        busy.accept(_line(seq))
    await asyncio.sleep(topic.COALESCE_SECONDS * 3)
    assert len(wire.frames) == 4
    assert all(frame.count("seq") <= 10 for frame in wire.frames)
    assert wire.numbers == list(range(1, 31))


async def test_what_follows_within_20_ms_is_gathered_and_sent_without_another_event() -> None:
    wire = Wire()
    busy = _topic(wire)
    began = time.monotonic()
    for seq in (1, 2, None):
        busy.accept(_line(seq))
    await _soon()
    assert wire.frames == ['[{"seq":1}]']
    async with asyncio.timeout(1):
        while len(wire.frames) < 2:
            await asyncio.sleep(0.001)
    assert wire.frames[1] == '[{"seq":2},{"kind":"message.delta"}]'
    assert time.monotonic() - began < 0.5


async def test_the_first_words_of_an_answer_do_not_wait_for_what_follows() -> None:
    wire = Wire()
    session_id = uuid4()
    busy = SessionTopic(session_id, 0, [])
    busy.attach(wire.subscriber)
    busy.hear(Line('{"seq":1,"kind":"message.added"}', 1, "message.added"))
    for offset, text in ((0, "Good "), (5, "morning")):
        delta = {"message_id": "m", "generation": 1, "offset": offset, "text": text}
        busy.hear(Line(encode_ephemeral(session_id, "message.delta", delta), None, "message.delta"))
    await _soon()
    assert len(wire.frames) == 2
    assert "Good " in wire.frames[1]
    assert "morning" not in wire.frames[1]
    busy.end()


async def test_after_a_pause_an_event_goes_out_at_once_again() -> None:
    wire = Wire()
    busy = _topic(wire)
    busy.accept(_line(1))
    await asyncio.sleep(topic.COALESCE_SECONDS * 3)
    busy.accept(_line(2))
    await _soon()
    assert len(wire.frames) == 2


async def test_a_reader_that_is_ahead_gets_only_what_it_lacks() -> None:
    level, ahead = Wire(0), Wire(2)
    busy = _topic(level, ahead)
    for seq in (1, 2, 3):
        busy.accept(_line(seq))
    await asyncio.sleep(topic.COALESCE_SECONDS * 3)
    assert level.numbers == [1, 2, 3]
    assert ahead.numbers == [3]


async def test_a_reader_that_pauses_gets_what_it_missed_in_order() -> None:
    wire = Wire()
    wire.open.clear()
    for seq in range(1, 100):
        wire.subscriber.offer(Frame.of([_line(seq)]))
    await _soon()
    assert wire.frames == []
    wire.open.set()
    await _soon()
    assert wire.numbers == list(range(1, 100))
    assert not wire.subscriber.dropped.is_set()


async def test_a_reader_that_does_not_read_is_dropped_and_its_frames_are_let_go() -> None:
    wire = Wire()
    wire.open.clear()
    large = "x" * 10_000
    for _ in range(2 * subscriber.BACKLOG_CHARACTERS // len(large)):
        wire.subscriber.put(large)
        await _soon()
        assert wire.subscriber._backlog_characters <= subscriber.BACKLOG_CHARACTERS
    assert wire.subscriber.dropped.is_set()
    assert not wire.subscriber._backlog
    wire.open.set()
    await _soon()
    assert len(wire.frames) == 1  # the one that was on its way


async def test_one_that_fails_does_not_cost_the_others_the_frame() -> None:
    async def fail(_: str) -> None:
        raise KeyError

    failing, wire = Subscriber(0, fail), Wire()
    busy = _topic(wire)
    busy.subscribers = {failing: None, wire.subscriber: None}  # type: ignore[assignment]  # in this order
    busy.accept(_line(1))
    assert failing.dropped.is_set()
    assert wire.numbers == [1]


async def test_a_reader_that_takes_nothing_for_too_long_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "STALLED_SECONDS", 0.05)
    wire = Wire()
    wire.open.clear()
    wire.subscriber.put("one")
    await asyncio.sleep(0.1)
    wire.subscriber.put("two")
    assert wire.subscriber.dropped.is_set()


@pytest.mark.django_db(transaction=True)
async def test_a_slow_reader_is_dropped_and_the_others_read_on(
    hub: Hub, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "BACKLOG_CHARACTERS", 200)
    wire = Wire()
    slow = await hub.join(session.pk, 1, wire.send)
    wire.open.clear()
    async with Reader(hub, session.pk, 1) as reader:
        await record(session, 60)
        await reader.until_seq(61)
        assert reader.seqs == list(range(2, 62))
    assert slow.dropped.is_set()
    await hub.leave(session.pk, slow)
