"""Async doors around REST views: what waits or streams, and costs no thread while it does."""

from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from sessions_app.errors import Refusal

WAIT_MAX_SECONDS = 30.0
AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def wait_seconds(request: HttpRequest) -> float:
    """Return `?wait=`. Raises `Refusal` (`invalid_wait`) for what is no number from 0 to 30."""
    text = request.GET.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= WAIT_MAX_SECONDS:
        raise Refusal("invalid_wait", f"wait is a number of seconds from 0 to {WAIT_MAX_SECONDS:.0f}.")
    return seconds


async def call(function: Callable[..., Any], *arguments: Any, **kwargs: Any) -> Any:
    """Call a function of the synchronous world in the request's thread, such as a REST view."""
    return await sync_to_async(function)(*arguments, **kwargs)


async def let_go() -> None:
    """Let the request's database connection and thread go, which would idle while it waits.

    What follows in the request gets new ones.
    """
    await sync_to_async(close_old_connections)()
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor:
        executor.shutdown(wait=False)


async def rendered(response: Any) -> HttpResponse:
    """Return the answer of a REST view ready to be sent."""
    if hasattr(response, "render") and not response.is_rendered:
        await sync_to_async(response.render)()
    return response
