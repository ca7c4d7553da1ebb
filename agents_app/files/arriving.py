"""Bodies of requests that a view reads while they arrive.

Django itself writes a whole body to a temporary file before any view is asked, whatever its size.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from django.http import HttpRequest

IDLE_SECONDS = 20.0
PIECE_BYTES = 256 * 1024
_KEY = "mcpchat.body"

Receive = Callable[[], Awaitable[Any]]


class Cut(Exception):
    """The client went away, or sent nothing for a while, before its body ended."""


class ArrivingBody:
    """The body of one request; put into its ASGI scope for the view, and out of Django's way."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._shown = False

    async def receive_nothing(self) -> dict[str, Any]:
        """Tell Django of an empty body, and of nothing after it.

        It would cancel the view of a client that has gone, which must first keep what arrived.
        """
        if self._shown:
            await asyncio.Event().wait()
        self._shown = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Raises `Cut`."""
        more = True
        while more:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    message = await self._receive()
            except TimeoutError as error:
                raise Cut from error
            if message["type"] == "http.disconnect":
                raise Cut
            more = message.get("more_body", False)
            yield message.get("body", b"")


def left_to_the_view(scope: dict[str, Any], receive: Receive) -> tuple[dict[str, Any], Receive]:
    """Return the scope and `receive` with which Django leaves a request's body to its view."""
    body = ArrivingBody(receive)
    return {**scope, _KEY: body}, body.receive_nothing


async def pieces_of(request: HttpRequest) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives; where it was not left to the view, as Django has it.

    Raises `Cut`.
    """
    body = getattr(request, "scope", {}).get(_KEY)
    if body is not None:
        async for piece in body.pieces():
            yield piece
        return
    while piece := await asyncio.to_thread(request.read, PIECE_BYTES):
        yield piece
