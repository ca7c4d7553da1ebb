"""Answers that wait: `?wait=SECONDS` holds a request open until the work has ended, at most 30 s.

These are plain async views on the feed's hub, so that a thousand who wait cost no thread.
"""

import asyncio
import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from agents_app.models import Subagent
from sessions_app.errors import Refusal
from sessions_app.feed.hub import hub
from sessions_app.problems import as_response
from sessions_app.waiting import AsyncView, call, let_go, rendered, wait_seconds

ENDINGS = {"subagent.completed", "subagent.failed", "subagent.cancelled"}


def waits(view: Callable[..., Any], shown_again: Callable[..., Any] | None = None) -> AsyncView:
    """Make a REST view heed `?wait=`; its answer must name a `subagent_id`.

    When the wait is over the answer is given anew by `shown_again(request, subagent_id)`, or by the view
    itself if that is not given. The handle of work that goes on is an answer too: then the status stays 202.
    """

    @wraps(view)  # the OpenAPI generator looks at the attributes of the view
    async def waiting(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            seconds = wait_seconds(request)
        except Refusal as refusal:
            return as_response(refusal)
        response = await call(view, request, **kwargs)
        subagent_id = _unfinished(response)
        if not seconds or subagent_id is None or not await _ended(subagent_id, seconds):
            return await rendered(response)
        return await rendered(await _again(view, shown_again, request, subagent_id, kwargs))

    return csrf_exempt(waiting)  # the REST framework checks it itself, for session logins


async def _again(
    view: Callable[..., Any],
    shown_again: Callable[..., Any] | None,
    request: HttpRequest,
    subagent_id: UUID,
    kwargs: dict[str, Any],
) -> Any:
    if shown_again is None:
        return await call(view, request, **kwargs)
    request.method = "GET"
    return await call(shown_again, request, pk=subagent_id)


async def _ended(subagent_id: UUID, seconds: float) -> bool:
    """Wait until the subagent is final; False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    session_id, last_seq = await _place(subagent_id)
    ended = asyncio.Event()

    async def hear(frame: str) -> None:
        if _tells_the_end(frame, subagent_id):
            ended.set()

    subscriber = await hub().join(session_id, last_seq, hear)
    try:
        # It may have ended before the feed was joined.
        while not await _is_final(subagent_id):
            await let_go()
            async with asyncio.timeout(deadline - time.monotonic()):
                await ended.wait()
            ended.clear()
    except TimeoutError:
        return False
    finally:
        await hub().leave(session_id, subscriber)
    return True


def _tells_the_end(frame: str, subagent_id: UUID) -> bool:
    wanted = str(subagent_id)
    events = json.loads(frame) if wanted in frame else []
    return any(event["kind"] in ENDINGS and event["payload"]["subagent_id"] == wanted for event in events)


def _unfinished(response: Any) -> UUID | None:
    """Return the subagent that an answer shows unfinished."""
    data = getattr(response, "data", None)
    if response.status_code >= 300 or not isinstance(data, dict):
        return None
    going_on = data.get("state") in {"queued", "admitted", "running"} and "subagent_id" in data
    return UUID(data["subagent_id"]) if going_on else None


async def _place(subagent_id: UUID) -> Any:
    row = Subagent.objects.values_list("session_id", "session__last_seq")
    return await call(row.get, pk=subagent_id)


async def _is_final(subagent_id: UUID) -> bool:
    unfinished = Subagent.objects.unfinished().filter(pk=subagent_id)
    return not await call(unfinished.exists)
