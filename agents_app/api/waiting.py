"""Answers that wait: `?wait=SECONDS` holds a request open until the work has ended, at most 30 s.

These are plain async views on the feed's hub, so that a thousand who wait cost no thread.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from agents_app.models import Subagent, ToolCall
from sessions_app.errors import Refusal
from sessions_app.feed.hub import hub
from sessions_app.problems import as_response
from sessions_app.waiting import AsyncView, call, let_go, rendered, wait_seconds

ENDINGS = {
    "subagent.completed", "subagent.failed", "subagent.cancelled", "tool.completed", "tool.failed",
}  # fmt: skip


@dataclass(frozen=True)
class Handle:
    """Work that goes on: the member of an answer that names it, and its id."""

    key: str
    id: UUID

    @property
    def unfinished(self) -> QuerySet[Any]:
        """The row of the work while it goes on."""
        if self.key == "call_id":
            return ToolCall.objects.filter(pk=self.id, state=ToolCall.State.RUNNING)
        return Subagent.objects.unfinished().filter(pk=self.id)

    @property
    def row(self) -> QuerySet[Any]:
        """The row of the work."""
        return (ToolCall if self.key == "call_id" else Subagent).objects.filter(pk=self.id)


def waits(
    view: Callable[..., Any],
    shown_again: Callable[..., Any] | None = None,
    call_shown_again: Callable[..., Any] | None = None,
) -> AsyncView:
    """Make a REST view heed `?wait=`; its answer must name a `subagent_id` or a `call_id`.

    When the wait is over the answer is given anew by `shown_again(request, pk)`, or `call_shown_again` for a
    call, or by the view itself if that is not given. The handle of work that goes on is an answer too: then
    the status stays 202.
    """

    @wraps(view)  # the OpenAPI generator looks at the attributes of the view
    async def waiting(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            seconds = wait_seconds(request)
        except Refusal as refusal:
            return as_response(refusal)
        response = await call(view, request, **kwargs)
        handle = _unfinished(response)
        if not seconds or handle is None or not await _ended(handle, seconds):
            return await rendered(response)
        again = call_shown_again if handle.key == "call_id" else shown_again
        return await rendered(await _again(view, again, request, handle.id, kwargs))

    return csrf_exempt(waiting)  # the REST framework checks it itself, for session logins


async def _again(
    view: Callable[..., Any],
    shown_again: Callable[..., Any] | None,
    request: HttpRequest,
    work_id: UUID,
    kwargs: dict[str, Any],
) -> Any:
    if shown_again is None:
        return await call(view, request, **kwargs)
    request.method = "GET"
    return await call(shown_again, request, pk=work_id)


async def _ended(handle: Handle, seconds: float) -> bool:
    """Wait until the work has ended; False if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    session_id, last_seq = await _place(handle)
    ended = asyncio.Event()

    async def hear(frame: str) -> None:
        if _tells_the_end(frame, handle):
            ended.set()

    subscriber = await hub().join(session_id, last_seq, hear)
    try:
        # It may have ended before the feed was joined.
        while not await _is_final(handle):
            await let_go()
            async with asyncio.timeout(deadline - time.monotonic()):
                await ended.wait()
            ended.clear()
    except TimeoutError:
        return False
    finally:
        await hub().leave(session_id, subscriber)
    return True


def _tells_the_end(frame: str, handle: Handle) -> bool:
    wanted = str(handle.id)
    events = json.loads(frame) if wanted in frame else []
    return any(event["kind"] in ENDINGS and event["payload"].get(handle.key) == wanted for event in events)


def _unfinished(response: Any) -> Handle | None:
    """Return the work that an answer shows unfinished."""
    data = getattr(response, "data", None)
    if response.status_code >= 300 or not isinstance(data, dict):
        return None
    key = next((key for key in ("subagent_id", "call_id") if key in data), None)
    if key is None or data.get("state") not in {"queued", "admitted", "running"}:
        return None
    return Handle(key, UUID(data[key]))


async def _place(handle: Handle) -> Any:
    return await call(handle.row.values_list("session_id", "session__last_seq").get)


async def _is_final(handle: Handle) -> bool:
    return not await call(handle.unfinished.exists)
