"""The websocket doors of the feed: `/ws/sessions/{id}/?after=SEQ`, and `/ws/staff/` for staff.

Frames from the server are JSON arrays of events. A client may send `{"type": "ping"}` and gets `feed.pong`.
"""

import asyncio
import json
import logging
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from sessions_app.close_codes import CloseCode
from sessions_app.feed.hub import hub
from sessions_app.feed.subscriber import Subscriber
from sessions_app.feed.threads import in_thread
from sessions_app.models import ChatSession

logger = logging.getLogger(__name__)

CLIENT_FRAME_MAX_CHARACTERS = 1024
CLOSE_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 60.0


class FeedConsumer(AsyncWebsocketConsumer):
    """Refuses or follows: subclasses say whom, and what."""

    serving: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Authorise and start the feed; a refusal is told by a close code, which needs an open socket."""
        await self.accept()
        refusal = await self._refusal()
        if refusal:
            await self.close(code=refusal)
            return
        self.serving = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        """Leave the feed."""
        if self.serving is not None:
            self.serving.cancel()
            await asyncio.gather(self.serving, return_exceptions=True)

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
            with hub().place_for(self.scope["user"].pk) as is_free:
                await self._end(await self._follow() if is_free else CloseCode.TOO_MANY_SOCKETS)
        except ChatSession.DoesNotExist:
            await self._end(CloseCode.NO_SUCH_SESSION)
        except Exception:  # a socket that stays open and says nothing would look alive
            logger.exception("a feed failed")
            await self._end(CloseCode.FAILED)

    async def _follow(self) -> CloseCode:
        """Follow the feed; return why it ends."""
        raise NotImplementedError

    async def _until_its_end(self, subscriber: Subscriber) -> CloseCode:
        """Return once the reader is too slow, or may not listen any more: that is looked at each minute."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await subscriber.dropped.wait()
                return CloseCode.TOO_SLOW
            except TimeoutError:
                if refusal := await self._refusal_now():
                    return refusal

    async def _refusal_now(self) -> CloseCode | None:
        try:
            self.scope["user"] = await self.scope["authenticate"]()
            return await self._refusal()
        except DatabaseError:  # the next look may find it back
            return None

    async def _refusal(self) -> CloseCode | None:
        """Return the close code for who may not listen at all, else None."""
        if self.scope.get("origin_refused"):
            return CloseCode.REFUSED
        return None if self.scope["user"].is_authenticated else CloseCode.NOT_LOGGED_IN

    def _sending(self, frame: str) -> Coroutine[Any, Any, None]:
        # Past the consumer's own `send`, whose layers each frame would pay for.
        return self.base_send({"type": "websocket.send", "text": frame})

    async def _tell(self, kind: str, **payload: Any) -> None:
        await self._sending(_frame_of(kind, **payload))

    async def _end(self, code: CloseCode) -> None:
        """Close; cut the connection if its reader does not even take that within 5 s.

        Closing waits until all that is on its way was taken, which of some readers is never. ASGI has no way
        to cut, so the server's transport is asked, where there is one (uvicorn's).
        """
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.close(code=code)
        except TimeoutError:
            transport = getattr(getattr(self.base_send, "__self__", None), "transport", None)
            if transport is not None:
                transport.abort()


class NoSuchFeedConsumer(AsyncWebsocketConsumer):
    """Answers at every other address."""

    async def connect(self) -> None:
        """Say that there is nothing here."""
        await self.accept()
        await self.close(code=CloseCode.NO_SUCH_SESSION)


class SessionFeedConsumer(FeedConsumer):
    """Sends one session's events to one socket."""

    session_id: UUID
    after = oldest = newest = 0

    async def _follow(self) -> CloseCode:
        if self.after < self.oldest - 1:
            # What it asks for was pruned: it is to load the snapshot, which stands at the newest event.
            self.after = self.newest
            await self._tell("feed.reset", last_seq=self.newest)
        try:
            subscriber = await hub().join(self.session_id, self.after, self._sending)
        except TimeoutError:  # it does not even take the replay
            return CloseCode.TOO_SLOW
        try:
            subscriber.put(_frame_of("feed.ready", last_seq=subscriber.seq))
            return await self._until_its_end(subscriber)
        finally:
            await hub().leave(self.session_id, subscriber)

    async def _refusal(self) -> CloseCode | None:
        """Return the close code for who may not listen or asked wrongly, else None."""
        self.session_id = self.scope["url_route"]["kwargs"]["session_id"]
        refusal = await super()._refusal()
        if refusal:
            return refusal
        after = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            return CloseCode.BAD_REQUEST
        self.after = int(after)
        kept = await in_thread(self._kept)()
        if kept is None:
            return CloseCode.NO_SUCH_SESSION
        self.oldest, self.newest = kept
        return CloseCode.BAD_REQUEST if self.after > self.newest else None

    def _kept(self) -> tuple[int, int] | None:
        session = ChatSession.objects.owned_by(self.scope["user"]).filter(pk=self.session_id).first()
        return session.kept_seqs() if session else None


class StaffFeedConsumer(FeedConsumer):
    """Sends the events for staff to one socket; what is missed while it is away is missed."""

    async def _refusal(self) -> CloseCode | None:
        refusal = await super()._refusal()
        return refusal or (None if self.scope["user"].is_staff else CloseCode.REFUSED)

    async def _follow(self) -> CloseCode:
        subscriber = await hub().join_staff(self._sending)
        try:
            subscriber.put(_frame_of("feed.ready"))
            return await self._until_its_end(subscriber)
        finally:
            await hub().leave_staff(subscriber)


def _frame_of(kind: str, **payload: Any) -> str:
    return json.dumps([{"kind": kind, "payload": payload}])
