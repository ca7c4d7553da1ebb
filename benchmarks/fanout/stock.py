"""The usual way: a consumer in a group of channels_redis.

Run by `uvicorn benchmarks.fanout.stock:application`.
"""

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from benchmarks.fanout.layer import BACKEND, group, hosts

settings.configure(CHANNEL_LAYERS={"default": {"BACKEND": BACKEND, "CONFIG": {"hosts": hosts()}}})


class Consumer(AsyncWebsocketConsumer):
    """Sends what its group is sent."""

    async def connect(self) -> None:
        """Join the group, then say so."""
        self.groups = [group(self.scope["path"].split("/")[3])]
        await self.channel_layer.group_add(self.groups[0], self.channel_name)
        await self.accept()
        await self.send('[{"kind":"feed.ready","payload":{}}]')

    async def feed_event(self, event: dict[str, Any]) -> None:
        """Send one event."""
        await self.send(f"[{event['text']}]")


application = Consumer.as_asgi()
