"""How an event gets to each server: as the product publishes, or as stock Channels does."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from channels_redis.pubsub import RedisPubSubChannelLayer

from benchmarks.fanout.layer import group, hosts
from benchmarks.fanout.script import stamped
from sessions_app import events


class Publisher(Protocol):
    """Publishes to those who watch one session."""

    def publish(self, text: str) -> None:
        """Publish one event with the present moment in it."""

    def burst(self, texts: Sequence[str]) -> None:
        """Publish them one after the other, as fast as that goes."""


class Topic:
    """The product's way, for its own server and for the bare one."""

    def __init__(self, session_id: UUID) -> None:
        self._topic = events.session_topic(session_id)

    def publish(self, text: str) -> None:
        """Publish one event with the present moment in it."""
        events.publish(self._topic, [stamped(text)])

    def burst(self, texts: Sequence[str]) -> None:
        """Publish them one after the other."""
        for text in texts:
            events.publish(self._topic, [text])


class Group:
    """`group_send` on one event loop, which spares it what `async_to_sync` costs."""

    _runner = asyncio.Runner()
    _layer: Any = RedisPubSubChannelLayer(hosts=hosts())

    def __init__(self, session_id: UUID) -> None:
        self._group = group(session_id)

    def publish(self, text: str) -> None:
        """Publish one event with the present moment in it."""
        self._runner.run(self._send([stamped(text)]))

    def burst(self, texts: Sequence[str]) -> None:
        """Publish them one after the other."""
        self._runner.run(self._send(texts))

    async def _send(self, texts: Sequence[str]) -> None:
        for text in texts:
            await self._layer.group_send(self._group, {"type": "feed.event", "text": text})


def publisher_for(server: str, session_id: UUID) -> Publisher:
    """Return how events get to the server of this name."""
    return Group(session_id) if server == "stock" else Topic(session_id)
