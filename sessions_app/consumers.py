"""The websocket door of the feed: `/ws/sessions/{id}/?after=SEQ`.

Frames from the server are JSON arrays of events. A client may send `{"type": "ping"}` and gets `feed.pong`.
"""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from sessions_app.feed import Subscriber, hub
from sessions_app.models import ChatSession

NOT_LOGGED_IN = 4401
ORIGIN_REFUSED = 4403
NO_SUCH_SESSION = 4404
BAD_REQUEST = 4400
TOO_SLOW = 4408
CLIENT_FRAME_MAX_CHARACTERS = 1024


class SessionFeedConsumer(AsyncWebsocketConsumer):
    """Sends one session's events to one socket."""

    subscriber: Subscriber | None = None
    sender: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Authorise and start the feed; a refusal is told by a close code, which needs an open socket."""
        await self.accept()
        refusal = await self._refusal()
        if refusal:
            await self.close(code=refusal)
            return
        self.session_id: UUID = self.scope["url_route"]["kwargs"]["session_id"]
        self.sender = asyncio.create_task(self._follow())

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
        except ValueError:
            await self._tell("feed.error", code="malformed_json", message="Send small JSON objects as text.")
            return
        if isinstance(message, dict) and message.get("type") == "ping":
            await self._tell("feed.pong")
        else:
            await self._tell(
                "feed.error", code="unknown_type", message='Only {"type": "ping"} is understood.'
            )

    async def _follow(self) -> None:
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
        user = self.scope["user"]
        if self.scope.get("origin_refused"):
            return ORIGIN_REFUSED
        if not user.is_authenticated:
            return NOT_LOGGED_IN
        after = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            return BAD_REQUEST
        self.after = int(after)
        newest = await self._newest_seq(user)
        if newest is None:
            return NO_SUCH_SESSION
        return BAD_REQUEST if self.after > newest else None

    @database_sync_to_async
    def _newest_seq(self, user: Any) -> int | None:
        sessions = ChatSession.objects.owned_by(user)
        session_id = self.scope["url_route"]["kwargs"]["session_id"]
        return sessions.filter(pk=session_id).values_list("last_seq", flat=True).first()

    async def _tell(self, kind: str, **payload: Any) -> None:
        await self.send(json.dumps([{"kind": kind, "payload": payload}]))


class NoSuchFeedConsumer(AsyncWebsocketConsumer):
    """Answers at every other address."""

    async def connect(self) -> None:
        """Say that there is nothing here."""
        await self.accept()
        await self.close(code=NO_SUCH_SESSION)
