"""The hub of a process: which topics it has, and who joins and leaves them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast
from uuid import UUID

from django.conf import settings

from sessions_app.events import STAFF_TOPIC, session_topic
from sessions_app.feed import rows
from sessions_app.feed.lines import as_frames, line_of
from sessions_app.feed.subscriber import Send, Subscriber
from sessions_app.feed.subscription import Subscription
from sessions_app.feed.topic import SessionTopic, Topic

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0
POLL_AGAIN_SECONDS = 0.5


class Hub:
    """The sockets of this process and its one subscription; lives on one event loop."""

    def __init__(self) -> None:
        self.topics: dict[str, Topic] = {}
        self._joined: Counter[str] = Counter()
        self._held: Counter[int] = Counter()
        self._subscription = Subscription(self._deliver, self._connected)
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, session_id: UUID, after: int, send: Send) -> Subscriber:
        """Subscribe first, then replay the rows after `after` through `send`, then attach for what follows.

        Pair it with `leave`. Raises `ChatSession.DoesNotExist`, and what `send` raises.
        """
        channel = session_topic(session_id)
        subscriber = Subscriber(after, send)
        await self._enter(channel)
        try:
            topic = await self._topic(session_id)
            while not await _replay_step(topic, subscriber):
                pass
        except BaseException:
            await self._exit(channel, subscriber)
            raise
        return subscriber

    async def _topic(self, session_id: UUID) -> SessionTopic:
        channel = session_topic(session_id)
        if channel not in self.topics:
            # The number first: what comes while the texts are read is then found missing, not taken as known.
            seq = await rows.last_seq(session_id)
            made = SessionTopic(session_id, seq, await rows.drafts(session_id))
            self.topics.setdefault(channel, made)
        return cast(SessionTopic, self.topics[channel])

    async def leave(self, session_id: UUID, subscriber: Subscriber) -> None:
        """Forget a socket; the last one of a session ends its subscription."""
        await self._exit(session_topic(session_id), subscriber)

    async def join_staff(self, send: Send) -> Subscriber:
        """Attach to the events for staff, which have no replay. Pair it with `leave_staff`."""
        subscriber = Subscriber(0, send)
        await self._enter(STAFF_TOPIC)
        self.topics.setdefault(STAFF_TOPIC, Topic()).attach(subscriber)
        return subscriber

    async def leave_staff(self, subscriber: Subscriber) -> None:
        """Forget a socket of staff."""
        await self._exit(STAFF_TOPIC, subscriber)

    @contextmanager
    def place_for(self, user_id: int) -> Iterator[bool]:
        """Take one of the sockets that a user may hold in this process; False if none is left."""
        is_free = self._held[user_id] < settings.FEED_SOCKETS_PER_USER
        self._held[user_id] += is_free
        try:
            yield is_free
        finally:
            self._held[user_id] -= is_free
            if not self._held[user_id]:
                del self._held[user_id]

    async def _enter(self, channel: str) -> None:
        self._start()
        self._joined[channel] += 1
        try:
            await self._subscription.want(channel)
        except BaseException:
            await self._exit(channel, None)
            raise

    async def _exit(self, channel: str, subscriber: Subscriber | None) -> None:
        topic = self.topics.get(channel)
        if topic is not None and subscriber is not None:
            topic.subscribers.discard(subscriber)
        self._joined[channel] -= 1
        if self._joined[channel] == 0:
            del self._joined[channel]
            if topic is not None:
                self.topics.pop(channel).end()
            await self._subscription.unwant(channel)
        if subscriber is not None:
            await subscriber.end()

    def _start(self) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        if not self._tasks:
            forever: list[Coroutine[Any, Any, None]] = [self._subscription.listen(), self._poll()]
            self._tasks = [asyncio.create_task(task) for task in forever]

    def _deliver(self, channel: str, text: str) -> None:
        topic = self.topics.get(channel)
        line = line_of(text)
        try:
            if topic is not None and line is not None:
                topic.hear(line)
        except (KeyError, TypeError, ValueError):  # what somebody else published must not end the feed
            logger.exception("the feed was sent something that is no event")

    def _connected(self) -> None:
        self._look.set()

    async def _poll(self) -> None:
        """Look at the rows after each connect, and every 5 s for what was lost while the connection stood."""
        wait = POLL_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._look.wait()
            self._look.clear()
            try:
                await self._catch_up()
                wait = POLL_SECONDS
            except Exception:  # the net must outlive a database that is away
                logger.exception("the feed could not poll the database")
                wait = POLL_AGAIN_SECONDS

    async def _catch_up(self) -> None:
        topics = [topic for topic in self.topics.values() if isinstance(topic, SessionTopic)]
        if topics:
            newest = await rows.last_seqs([topic.session_id for topic in topics])
            for topic in topics:
                topic.catch_up_to(newest.get(topic.session_id, 0))


async def _replay_step(topic: SessionTopic, subscriber: Subscriber) -> bool:
    """Send the next rows; True once the socket is level with the topic and attached to it."""
    level = topic.seq
    lines = await rows.lines_after(topic.session_id, subscriber.seq)
    for frame in as_frames(lines):
        await subscriber.send(frame)
    # Where rows up to `level` are gone there is nothing left to replay; its client sees the gap.
    newest = (lines[-1].seq if lines else level) or 0
    subscriber.seq = max(subscriber.seq, newest)
    # No await between this test and the attachment: nothing can slip in between. A socket that is
    # ahead of the topic is safe, because it leaves out what it already has.
    if len(lines) < rows.REPLAY_ROWS and subscriber.seq >= topic.seq:
        topic.attach(subscriber)
        return True
    return False


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """Return the hub of the running event loop: one a web process."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
