"""The feed: every socket of this process gets each session's events in order, none missing, none twice.

One hub a process holds one Redis subscription. An event is encoded once, by its publisher; the hub puts
events that arrive within 20 ms into one frame (a JSON array of at most 10) and hands that frame to every
socket. What Redis lost is read from the rows: on a gap in `seq`, after a reconnect, and by a slow poll.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sessions_app.events import encode, session_topic
from sessions_app.models import ChatSession, Event

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.02
FRAME_EVENTS = 10
POLL_SECONDS = 5.0
REPLAY_ROWS = 500
SOCKET_FRAMES = 256
"""Frames that a slow reader may lag behind before it is dropped."""


@dataclass(frozen=True)
class Line:
    """An encoded event; ephemeral ones have no `seq`."""

    text: str
    seq: int | None


class Subscriber:
    """One socket: a bounded queue of frames, and how far it has got."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.frames: asyncio.Queue[str | None] = asyncio.Queue(SOCKET_FRAMES)
        self.too_slow = False

    def offer(self, lines: list[Line], frame: str) -> None:
        """Queue `frame`, which holds `lines`; leave out what this socket was sent during its replay."""
        first = next((line.seq for line in lines if line.seq is not None), None)
        if first is not None and first <= self.seq:
            lines = [line for line in lines if line.seq is None or line.seq > self.seq]
            frame = as_frame(lines)
        if lines:
            self.seq = max([self.seq, *(line.seq for line in lines if line.seq is not None)])
            self._put(frame)

    def _put(self, frame: str) -> None:
        if self.too_slow:
            return
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.too_slow = True
            while not self.frames.empty():
                self.frames.get_nowait()
            self.frames.put_nowait(None)


@dataclass
class Topic:
    """One session with at least one socket here."""

    session_id: str
    seq: int
    subscribers: set[Subscriber] = field(default_factory=set)
    pending: list[Line] = field(default_factory=list)
    flusher: asyncio.TimerHandle | None = None
    catching_up: asyncio.Lock = field(default_factory=asyncio.Lock)

    def accept(self, line: Line) -> None:
        """Send the first line at once; gather what follows within 20 ms."""
        if line.seq is not None:
            self.seq = line.seq
        self.pending.append(line)
        if self.flusher is None:
            self._flush()
            self.flusher = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self._flush_gathered)
        elif len(self.pending) >= FRAME_EVENTS:
            self._flush()

    def _flush_gathered(self) -> None:
        self.flusher = None
        if self.pending:
            self._flush()
            self.flusher = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self._flush_gathered)

    def _flush(self) -> None:
        lines, self.pending = self.pending, []
        frame = as_frame(lines)
        for subscriber in self.subscribers:
            subscriber.offer(lines, frame)

    def attach(self, subscriber: Subscriber) -> None:
        """Add a socket that has replayed up to `seq`; pending lines go to it too, and no others."""
        self.subscribers.add(subscriber)


class Hub:
    """The sockets of this process and its one subscription; lives on one event loop."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self._joins: dict[str, int] = {}
        self._subscribing = asyncio.Lock()
        self._connected = asyncio.Event()
        self._pubsub: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, session_id: UUID, after: int, send: Callable[[str], Awaitable[None]]) -> Subscriber:
        """Subscribe first, then replay the rows after `after` through `send`, then attach for what follows.

        Returns the subscriber, whose `frames` the caller sends on; pair with `leave`.
        """
        self._start()
        key = str(session_id)
        self._joins[key] = self._joins.get(key, 0) + 1
        subscriber = Subscriber(after)
        try:
            topic = await self._topic(key)
            while not await self._replay_step(topic, subscriber, send):
                pass
        except BaseException:
            await self.leave(session_id, subscriber)
            raise
        return subscriber

    async def leave(self, session_id: UUID, subscriber: Subscriber) -> None:
        """Forget a socket; the last one of a session ends its subscription."""
        key = str(session_id)
        self._joins[key] -= 1
        if key in self.topics:
            self.topics[key].subscribers.discard(subscriber)
        if self._joins[key] == 0:
            del self._joins[key]
            topic = self.topics.pop(key, None)
            if topic is not None and topic.flusher is not None:
                topic.flusher.cancel()
            await self._subscribe("UNSUBSCRIBE", key)

    async def _replay_step(
        self, topic: Topic, subscriber: Subscriber, send: Callable[[str], Awaitable[None]]
    ) -> bool:
        """Send the next rows; True once the socket is level with the topic and attached to it."""
        rows = await _rows_after(topic.session_id, subscriber.seq)
        for start in range(0, len(rows), FRAME_EVENTS):
            await send(as_frame(rows[start : start + FRAME_EVENTS]))
        if rows:
            subscriber.seq = rows[-1].seq or subscriber.seq
        # No await between this test and the attachment: nothing can slip in between. A socket that is
        # ahead of the topic is safe, because it leaves out what it already has.
        if len(rows) < REPLAY_ROWS and subscriber.seq >= topic.seq:
            topic.attach(subscriber)
            return True
        return False

    async def _topic(self, key: str) -> Topic:
        if key not in self.topics:
            await self._subscribe("SUBSCRIBE", key)
            seq = await _last_seq(key)
            self.topics.setdefault(key, Topic(key, seq))
        return self.topics[key]

    async def _subscribe(self, verb: str, key: str) -> None:
        """One call at a time: concurrent ones on a fresh connection were lost silently (redis-py).

        Past redis-py's own `subscribe`, which connects anew where the connection is lost, while the reader
        does so too: one of the two sockets would stay open for ever.
        """
        async with self._subscribing:
            connection = self._pubsub.connection if self._pubsub else None
            wanted = key in self._joins
            if connection is None or not connection.is_connected or wanted != (verb == "SUBSCRIBE"):
                return
            try:
                await connection.send_command(verb, session_topic(key), check_health=False)
            except (RedisError, OSError):
                self._connected.clear()  # the reader reconnects and subscribes to all that is wanted

    def _start(self) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._poll())]

    async def _read(self) -> None:
        """Keep one subscription alive for ever; after each connect, catch up."""
        delay = 0.05
        while True:
            client = redis.asyncio.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=None,
                socket_connect_timeout=2,
                socket_keepalive=True,
                # A silent reconnect inside the client would hide the gap that has to be filled.
                retry=Retry(NoBackoff(), 0),
            )
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await self._open(pubsub)
                    delay = 0.05
                    await self._listen(pubsub)
            except (RedisError, OSError) as error:
                logger.warning("the feed lost its broker (%s); again in %.2f s", error, delay)
            except Exception:  # a feed that ends would leave every open page silent
                logger.exception("the feed failed; again in %.2f s", delay)
            finally:
                self._pubsub = None
                await client.aclose()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 1.0)

    async def _open(self, pubsub: Any) -> None:
        async with self._subscribing:
            await pubsub.subscribe("mcpchat:hub", *(session_topic(key) for key in self._joins))
            self._pubsub = pubsub
            self._connected.set()
        for topic in list(self.topics.values()):
            await self._catch_up(topic)

    async def _listen(self, pubsub: Any) -> None:
        while self._connected.is_set():
            message = await pubsub.get_message(timeout=1.0)
            if message is not None:
                key = message["channel"].decode().rpartition(":")[2]
                text = message["data"].decode()
                await self._deliver(key, Line(text, json.loads(text).get("seq")))

    async def _deliver(self, key: str, line: Line) -> None:
        topic = self.topics.get(key)
        if topic is None:
            return
        if line.seq is None or line.seq == topic.seq + 1:
            topic.accept(line)
        elif line.seq > topic.seq:
            await self._catch_up(topic)

    async def _catch_up(self, topic: Topic) -> None:
        """Fill a gap from the rows."""
        async with topic.catching_up:
            while rows := await _rows_after(topic.session_id, topic.seq):
                for line in rows:
                    if line.seq is not None and line.seq > topic.seq:
                        topic.accept(line)

    async def _poll(self) -> None:
        """The net: a publication that was lost while the connection stood is found within 5 s."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                newest = await _last_seqs(list(self.topics))
                await self._catch_up_to(newest)
            except Exception:  # the net must outlive a database that is away
                logger.exception("the feed could not poll the database")

    async def _catch_up_to(self, newest: dict[str, int]) -> None:
        for key, seq in newest.items():
            topic = self.topics.get(key)
            if topic is not None and seq > topic.seq:
                await self._catch_up(topic)


def as_frame(lines: list[Line]) -> str:
    """Return the frame that carries `lines`: a JSON array."""
    return f"[{','.join(line.text for line in lines)}]"


def _in_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Run a query in a thread of its own; thread-sensitive ones would all wait for one thread."""

    def query(*arguments: Any) -> Any:
        close_old_connections()
        try:
            return function(*arguments)
        finally:
            close_old_connections()

    return sync_to_async(query, thread_sensitive=False)


@_in_thread
def _rows_after(session_id: str, seq: int) -> list[Line]:
    rows = Event.objects.filter(session_id=UUID(session_id)).after(seq)[:REPLAY_ROWS]
    return [Line(encode(event), event.seq) for event in rows]


@_in_thread
def _last_seq(session_id: str) -> int:
    return ChatSession.objects.values_list("last_seq", flat=True).get(pk=session_id)


@_in_thread
def _last_seqs(session_ids: list[str]) -> dict[str, int]:
    rows = ChatSession.objects.filter(pk__in=session_ids).values_list("pk", "last_seq")
    return {str(pk): seq for pk, seq in rows}


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """Return the hub of the running event loop: one a web process."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
