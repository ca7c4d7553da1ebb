"""Readers of a feed, standing where a consumer stands."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection

from sessions_app.events import session_change
from sessions_app.feed.hub import Hub
from sessions_app.feed.subscriber import Subscriber
from sessions_app.models import ChatSession, Event


class Reader:
    """Joins a session's feed and collects its frames."""

    def __init__(self, hub: Hub, session_id: UUID, after: int = 0) -> None:
        self.frames: list[list[dict[str, Any]]] = []
        self._hub, self._session_id, self._after = hub, session_id, after
        self._news = asyncio.Event()
        self.subscriber: Subscriber | None = None

    async def __aenter__(self) -> "Reader":
        self.subscriber = await self._hub.join(self._session_id, self._after, self._take)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.subscriber is not None
        await self._hub.leave(self._session_id, self.subscriber)

    async def _take(self, frame: str) -> None:
        self.frames.append(json.loads(frame))
        self._news.set()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event so far."""
        return [event for frame in self.frames for event in frame]

    @property
    def seqs(self) -> list[int]:
        """The `seq` of every durable event so far."""
        return [event["seq"] for event in self.events if "seq" in event]

    async def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Return when `condition` holds; fail after `seconds`."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_seq(self, seq: int, seconds: float = 10) -> None:
        """Return when event `seq` has come."""
        await self.until(lambda: seq in self.seqs, seconds)


async def in_thread(function: Callable[[], Any]) -> Any:
    """Run database work beside the loop, on a connection of its own."""

    def run() -> Any:
        try:
            return function()
        finally:
            connection.close()

    return await sync_to_async(run, thread_sensitive=False)()


async def record(session: ChatSession, count: int = 1) -> None:
    """Record and publish events, one transaction each."""

    def write() -> None:
        for _ in range(count):
            with session_change(session.pk) as change:
                change.record("session.updated", {})

    await in_thread(write)


async def record_unheard(session: ChatSession, count: int = 1) -> None:
    """Store events whose publications are lost."""

    def write() -> None:
        with session_change(session.pk) as change:
            first = change.next_seq
            Event.objects.bulk_create(
                Event(session=change.session, seq=first + number, kind="session.updated", payload={})
                for number in range(count)
            )
            change.session.last_seq += count
            change.session.save(update_fields=["last_seq"])

    await in_thread(write)
