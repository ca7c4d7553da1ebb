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


async def call(view: Callable[..., Any], request: HttpRequest, **kwargs: Any) -> Any:
    """Call a REST view in the request's thread; its answer is not rendered yet."""
    return await look_up(view, request, **kwargs)


async def look_up(query: Callable[..., Any], *arguments: Any, **kwargs: Any) -> Any:
    """Query in the request's thread, and let its database connection go: a wait must not hold one."""

    def run() -> Any:
        try:
            return query(*arguments, **kwargs)
        finally:
            close_old_connections()

    try:
        return await sync_to_async(run)()
    finally:
        _let_the_thread_go()


def _let_the_thread_go() -> None:
    """End the thread that Django gave this request: it would idle until the answer is sent.

    What follows in the request gets a new one.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor:
        executor.shutdown(wait=False)


async def rendered(response: Any) -> HttpResponse:
    """Return the answer of a REST view ready to be sent."""
    if hasattr(response, "render") and not response.is_rendered:
        await sync_to_async(response.render)()
    return response
