"""The websocket doors of the feed: `/ws/sessions/{id}/?after=SEQ`, and `/ws/staff/` for staff.

Frames from the server are JSON arrays of events. A client may send `{"type": "ping"}` and gets `feed.pong`.
"""

import asyncio
import json
import logging
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import redis.asyncio
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sessions_app.events import STAFF_TOPIC
from sessions_app.feed import hub
from sessions_app.models import ChatSession

logger = logging.getLogger(__name__)

NOT_LOGGED_IN = 4401
ORIGIN_REFUSED = 4403
STAFF_ONLY = 4403
NO_SUCH_SESSION = 4404
BAD_REQUEST = 4400
TOO_SLOW = 4408
FAILED = 1011
CLIENT_FRAME_MAX_CHARACTERS = 1024
RECONNECT_SECONDS = 1.0


class FeedConsumer(AsyncWebsocketConsumer):
    """Refuses or follows: subclasses say whom, and what."""

    sender: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Authorise and start the feed; a refusal is told by a close code, which needs an open socket."""
        await self.accept()
        refusal = await self._refusal()
        if refusal:
            await self.close(code=refusal)
            return
        self.sender = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        """Leave the feed."""
        if self.sender is not None:
            self.sender.cancel()
            await asyncio.gather(self.sender, return_exceptions=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a ping; anything else is answered by an error and changes nothing."""
        try:
            if text_data is None or len(text_data) > CLIENT_FRAME_MAX_CHARACTERS:
                raise ValueError
            message = json.loads(text_data)
        except (ValueError, RecursionError):
            await self._tell("feed.error", code="malformed_json", message="Send small JSON objects as text.")
            return
        if isinstance(message, dict) and message.get("type") == "ping":
            await self._tell("feed.pong")
        else:
            await self._tell(
                "feed.error", code="unknown_type", message='Only {"type": "ping"} is understood.'
            )

    async def _serve(self) -> None:
        try:
            await self._follow()
        except Exception:  # a socket that stays open and says nothing would look alive
            logger.exception("a feed failed")
            await self.close(code=FAILED)

    async def _follow(self) -> None:
        raise NotImplementedError

    async def _refusal(self) -> int | None:
        """Return the close code for who may not listen at all, else None."""
        if self.scope.get("origin_refused"):
            return ORIGIN_REFUSED
        return None if self.scope["user"].is_authenticated else NOT_LOGGED_IN

    async def _tell(self, kind: str, **payload: Any) -> None:
        await self.send(json.dumps([{"kind": kind, "payload": payload}]))


class NoSuchFeedConsumer(AsyncWebsocketConsumer):
    """Answers at every other address."""

    async def connect(self) -> None:
        """Say that there is nothing here."""
        await self.accept()
        await self.close(code=NO_SUCH_SESSION)


class SessionFeedConsumer(FeedConsumer):
    """Sends one session's events to one socket."""

    session_id: UUID
    after = oldest = newest = 0

    async def _follow(self) -> None:
        if self.after < self.oldest - 1:
            # What it asks for was pruned: it is to load the snapshot, which stands at the newest event.
            self.after = self.newest
            await self._tell("feed.reset", last_seq=self.newest)
        try:
            subscriber = await hub().join(self.session_id, self.after, self.send)
            try:
                await self._tell("feed.ready", last_seq=subscriber.seq)
                while (frame := await subscriber.frames.get()) is not None:
                    await self.send(frame)
                await self.close(code=TOO_SLOW)
            finally:
                await hub().leave(self.session_id, subscriber)
        except ChatSession.DoesNotExist:
            await self.close(code=NO_SUCH_SESSION)

    async def _refusal(self) -> int | None:
        """Return the close code for who may not listen or asked wrongly, else None."""
        self.session_id = self.scope["url_route"]["kwargs"]["session_id"]
        refusal = await super()._refusal()
        if refusal:
            return refusal
        after = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            return BAD_REQUEST
        self.after = int(after)
        kept = await self._kept_seqs(self.scope["user"])
        if kept is None:
            return NO_SUCH_SESSION
        self.oldest, self.newest = kept
        return BAD_REQUEST if self.after > self.newest else None

    @database_sync_to_async
    def _kept_seqs(self, user: Any) -> tuple[int, int] | None:
        """Return the `seq` of the oldest event that was not pruned, and of the newest."""
        session = ChatSession.objects.owned_by(user).filter(pk=self.session_id).first()
        if session is None:
            return None
        oldest = session.events.order_by("seq").values_list("seq", flat=True).first()
        return oldest or session.last_seq + 1, session.last_seq


class StaffFeedConsumer(FeedConsumer):
    """Sends the events for staff to one socket, over a subscription of its own: staff are few."""

    async def _refusal(self) -> int | None:
        refusal = await super()._refusal()
        return refusal or (None if self.scope["user"].is_staff else STAFF_ONLY)

    async def _follow(self) -> None:
        """Relay for ever; what is published while the broker is away is missed, which these events allow."""
        while True:
            try:
                await self._relay()
            except (RedisError, OSError):
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _relay(self) -> None:
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        async with client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(STAFF_TOPIC)
            await self._tell("feed.ready")
            while True:
                message = await pubsub.get_message(timeout=1.0)
                if message is not None:
                    await self.send(f"[{message['data'].decode()}]")
