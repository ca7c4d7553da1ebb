"""The feed for programs that hold no websocket: `GET /api/sessions/{id}/events/?after=SEQ`.

With `wait=SECONDS` the answer comes once there is an event; with `Accept: text/event-stream` it is a stream
of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) that goes on for ever.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from sessions_app.errors import Refusal
from sessions_app.feed.hub import hub
from sessions_app.problems import as_response
from sessions_app.waiting import AsyncView, call, let_go, rendered, wait_seconds

KEEPALIVE_SECONDS = 15.0
STREAM_SECONDS = 600.0
"""Then a stream ends, and its client asks anew by itself: logins end, too."""
STREAM = "text/event-stream"


def follows(view: Callable[..., Any]) -> AsyncView:
    """Make the REST view that lists a session's events wait for one, or stream them."""

    @wraps(view)  # the OpenAPI generator looks at the attributes of the view
    async def following(request: HttpRequest, session_id: UUID) -> HttpResponseBase:
        streams = STREAM in request.headers.get("Accept", "")
        if streams and "Last-Event-ID" in request.headers:
            _ask_after(request, request.headers["Last-Event-ID"])
        try:
            seconds = wait_seconds(request)
            # It alone knows who may see what, and what is wrong with `after`.
            response = await call(view, request, session_id=session_id)
            if response.status_code == 200 and (streams or (seconds and not response.data)):
                after = int(request.GET.get("after", 0))
                user_id = cast(int, request.user.pk)
                await let_go()
                if streams:
                    return await _stream(user_id, session_id, after)
                await _wait(user_id, session_id, after, seconds)
                response = await call(view, request, session_id=session_id)
        except Refusal as refusal:
            return as_response(refusal)
        return await rendered(response)

    return csrf_exempt(following)  # the REST framework checks it itself, for session logins


def _ask_after(request: HttpRequest, seq: str) -> None:
    parameters = request.GET.copy()
    parameters["after"] = seq
    request.GET = parameters  # type: ignore[assignment]  # it need not be immutable


async def _wait(user_id: int, session_id: UUID, after: int, seconds: float) -> None:
    """Return once there is an event after `after`, or after some seconds."""
    came = asyncio.Event()

    async def hear(frame: str) -> None:
        if any("seq" in event for event in json.loads(frame)):
            came.set()

    with hub().place_for(user_id) as is_free:
        _require(is_free)
        subscriber = await hub().join(session_id, after, hear)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await came.wait()
        finally:
            await hub().leave(session_id, subscriber)


async def _stream(user_id: int, session_id: UUID, after: int) -> StreamingHttpResponse:
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    events = _events(user_id, session_id, after)
    # Until here a refusal can still be told by a status.
    return StreamingHttpResponse(_after(await anext(events), events), content_type=STREAM, headers=headers)


async def _events(user_id: int, session_id: UUID, after: int) -> AsyncIterator[str]:
    """Yield the stream; it ends after ten minutes, or when its reader is too slow.

    Clients of server-sent events then ask anew, from the last id.
    """
    until = time.monotonic() + STREAM_SECONDS
    frames: asyncio.Queue[str] = asyncio.Queue(1)
    with hub().place_for(user_id) as is_free:
        _require(is_free)
        yield "retry: 1000\n\n"
        # The replay needs a reader already, so joining goes on beside the reading.
        joining = asyncio.create_task(hub().join(session_id, after, frames.put))
        try:
            while time.monotonic() < until and not (joining.done() and joining.result().dropped.is_set()):
                yield await _next(frames)
        finally:
            joining.cancel()
            with suppress(asyncio.CancelledError):
                await hub().leave(session_id, await joining)


async def _next(frames: asyncio.Queue[str]) -> str:
    try:
        async with asyncio.timeout(KEEPALIVE_SECONDS):
            return "".join(_message(event) for event in json.loads(await frames.get()))
    except TimeoutError:
        return ": still here\n\n"


def _message(event: dict[str, Any]) -> str:
    place = f"id: {event['seq']}\n" if "seq" in event else ""
    return f"{place}data: {json.dumps(event, ensure_ascii=False)}\n\n"


async def _after(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for text in rest:
        yield text


def _require(is_free: bool) -> None:
    if not is_free:
        raise Refusal(
            "too_many_feeds",
            "You follow too many feeds at once. Close some, or follow fewer sessions.",
            status=429,
            retry_after_seconds=10,
        )
