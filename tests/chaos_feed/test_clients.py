"""The clients of a run note what they are handed and go on where they were."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from tests.chaos_feed.clients import LONGEST_DELAY_SECONDS, Backoff, Client, Seat, end_of
from tests.chaos_feed.crowd import cast
from tests.chaos_feed.evidence import KINDS, PLAIN, SSE, Delta, Journal, mark_of
from tests.chaos_feed.killer import Amounts, plan
from tests.chaos_feed.recorder import Recorder
from tests.chaos_feed.requests import StreamReader
from tests.chaos_feed.server_sent import Parser, Sent

CREATED_AT = "2025-11-24T10:00:00.000001+00:00"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def _event(seq: int, **more: Any) -> dict[str, Any]:
    text = {"text": "line\u2028separator\x85"}
    body = {"session_id": "s", "seq": seq, "kind": "session.updated", "payload": text}
    return body | {"created_at": CREATED_AT} | more


def _journal(kind: str = PLAIN) -> Journal:
    return Journal(name="one", kind=kind, session="s")


def _delta_event(offset: int, text: str) -> dict[str, Any]:
    payload = {"message_id": "m", "generation": 1, "offset": offset, "text": text}
    return {"session_id": "s", "kind": "message.delta", "payload": payload, "created_at": CREATED_AT}


def test_a_journal_has_events_and_text_by_connection() -> None:
    recorder = Recorder(_journal())
    assert recorder.begin() == 0
    recorder.take_all(json.dumps([_event(1), _event(2), {"kind": "feed.ready", "payload": {"last_seq": 2}}]))
    assert recorder.begin() == 2
    recorder.take_all(json.dumps([_delta_event(0, "a"), _event(3)]))
    journal = recorder.journal
    assert [(one.connection, one.seq) for one in journal.deliveries] == [(0, 1), (0, 2), (1, 3)]
    assert journal.deltas == [Delta(connection=1, message="m", generation=1, offset=0, text="a")]
    assert journal.afters == [0, 2]
    assert journal.ends == []


def test_a_reset_is_noted() -> None:
    recorder = Recorder(_journal())
    recorder.begin()
    recorder.take_all('[{"kind": "feed.reset", "payload": {"last_seq": 9}}]')
    assert recorder.journal.ends == ["feed.reset"]


def test_a_mark_tells_contents_apart_and_not_spellings() -> None:
    mark = mark_of("s", "k", {"a": 1, "b": "é"}, CREATED_AT)
    assert mark == mark_of("s", "k", {"b": "é", "a": 1}, CREATED_AT.replace("+00:00", "Z"))
    others = [
        mark_of("t", "k", {"a": 1, "b": "é"}, CREATED_AT),
        mark_of("s", "l", {"a": 1, "b": "é"}, CREATED_AT),
        mark_of("s", "k", {"a": 2, "b": "é"}, CREATED_AT),
        mark_of("s", "k", {"a": 1, "b": "é"}, CREATED_AT.replace("001+", "002+")),
    ]
    assert mark not in others


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream_is_parsed_however_it_is_cut(size: int) -> None:
    stream = ": hello\r\n\r\nid: 7\ndata: a\u2028é\ndata:b\n\ndata: c\rid\r\r: keep\n\nevent: x\n\n".encode()
    parser = Parser()
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    found = [sent for part in parts for sent in parser.feed(part)]
    assert found == [Sent(id="7", data="a\u2028é\nb"), Sent(id="", data="c")]


@asynccontextmanager
async def _server(answer: Callable[[str], bytes]) -> AsyncIterator[str]:
    """Run a server that answers each request with what `answer(head)` gives, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(head.decode()))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _run_until(client: Client, condition: Callable[[], bool]) -> None:
    task = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _reader(url: str) -> StreamReader:
    seat = Seat(urls=[url], session="s", token="t")
    return StreamReader(seat, _journal(SSE), random.Random(1), asyncio.Event())


def _stream_after(head: str) -> bytes:
    """Return a stream of the two events that follow `Last-Event-ID`, and of a piece of text."""
    [after] = [int(line.split()[1]) for line in head.splitlines() if line.lower().startswith("last-event-id")]
    events = [(f"id: {seq}\n", _event(seq)) for seq in (after + 1, after + 2)]
    sent = [*events, ("", _delta_event(0, "a"))]
    text = "".join(f"{number}data: {json.dumps(event, ensure_ascii=False)}\n\n" for number, event in sent)
    return STREAM_HEAD + text.encode()


async def test_a_stream_is_gone_on_with_after_its_last_event() -> None:
    async with _server(_stream_after) as url:
        reader = _reader(url)
        await _run_until(reader, lambda: reader.recorder.last_seq >= 6)
    journal = reader.recorder.journal
    assert [one.seq for one in journal.deliveries][:6] == [1, 2, 3, 4, 5, 6]
    assert journal.afters[:3] == [0, 2, 4]
    assert journal.deltas[0].text == "a"
    assert "id differs from seq" not in journal.ends


async def test_an_answer_that_is_no_stream_is_noted() -> None:
    async with _server(lambda _: b"HTTP/1.1 406 No\r\nContent-Length: 0\r\n\r\n") as url:
        reader = _reader(url)
        await _run_until(reader, lambda: bool(reader.recorder.journal.ends))
    assert reader.recorder.journal.ends[0] == "http 406 "


async def test_an_id_that_is_not_the_seq_is_noted() -> None:
    body = f"id: 2\ndata: {json.dumps(_event(1))}\n\n".encode()
    async with _server(lambda _: STREAM_HEAD + body) as url:
        reader = _reader(url)
        await _run_until(reader, lambda: bool(reader.recorder.journal.ends))
    assert reader.recorder.journal.ends[0] == "id differs from seq"


def test_an_end_is_told_by_its_close_code() -> None:
    ends = [
        end_of(ConnectionClosedError(rcvd, None))
        for rcvd in (Close(4408, ""), Close(1011, ""), Close(1011, "keepalive ping timeout"), None)
    ]
    assert ends == ["4408", "1011", "ping timeout", "cut"]
    assert [end_of(ConnectionRefusedError()), end_of(ConnectionResetError())] == ["refused", "cut"]


def test_a_client_comes_again_soon_and_then_less_often() -> None:
    backoff = Backoff(random.Random(1))
    waits = [backoff.next_seconds() for _ in range(8)]
    assert 0.025 <= waits[0] <= 0.05
    assert LONGEST_DELAY_SECONDS / 2 <= waits[-1] <= LONGEST_DELAY_SECONDS
    backoff.reset()
    assert backoff.next_seconds() <= 0.05


@pytest.mark.parametrize("count", [5, 8, 30])
def test_every_kind_of_client_is_there(count: int) -> None:
    kinds = cast(count, KINDS)
    assert len(kinds) == count
    assert set(kinds) == set(KINDS)


def test_a_plan_does_everything_as_often_as_asked_and_begins_with_a_burst() -> None:
    amounts = Amounts(bursts=4, cuts=10, broker_kills=2, web_kills=3, wipes=1)
    steps = plan(amounts, random.Random(1))
    assert steps[0] == "burst"
    counts = {step: steps.count(step) for step in steps}
    assert counts == {"burst": 4, "cut": 8, "double cut": 2, "broker": 2, "web": 3, "wipe": 1}
