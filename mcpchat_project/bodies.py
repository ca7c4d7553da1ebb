"""What stands before Django, which writes a whole body to a disk before it asks anybody: a bound on bodies.

That of a piece of an upload, which may be large, is left to its view.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from agents_app.files.arriving import left_to_the_view
from sessions_app.errors import Refusal
from sessions_app.problems import as_response

_CONTENT = re.compile(r"/api/files/[0-9a-f-]{36}/content/")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class BoundedBodies:
    """An ASGI application in front of another: bodies over DATA_UPLOAD_MAX_MEMORY_SIZE are refused (413)."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["method"] == "PATCH" and _CONTENT.fullmatch(scope["path"]):
            await self._application(*left_to_the_view(scope, receive), send)
            return
        body = _Counted(receive)
        passed = await _measured(scope, body.receive) if _is_unmeasured(scope) else (scope, body.receive)
        await self._application(*passed, send)
        if body.is_too_large:
            await _refuse(send)


class _Counted:
    """Receives a body up to the bound; after that it looks as if the client had gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.is_too_large = False

    async def receive(self) -> Any:
        """Return the next message."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self.is_too_large = self._left < 0
        return {"type": "http.disconnect"} if self.is_too_large else message


def _is_unmeasured(scope: dict[str, Any]) -> bool:
    """Whether a body comes in chunks: it has no length, and to the REST framework it would be empty."""
    names = {name.lower() for name, _ in scope["headers"]}
    return b"transfer-encoding" in names and b"content-length" not in names


async def _measured(scope: dict[str, Any], receive: Receive) -> tuple[dict[str, Any], Receive]:
    """Wait for the whole body; return the request as one whose length was told, and what receives it."""
    pieces: list[bytes] = []
    message: dict[str, Any] = {"more_body": True}
    while message.get("more_body", False):
        message = await receive()
        pieces.append(message.get("body", b""))
    body = b"".join(pieces)
    left = [message if message["type"] == "http.disconnect" else {**message, "body": body}]

    async def again() -> Any:
        return left.pop() if left else await receive()

    length = (b"content-length", str(len(body)).encode())
    return {**scope, "headers": [*scope["headers"], length]}, again


async def _refuse(send: Send) -> None:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    answer = as_response(Refusal("request_too_large", f"A request has at most {limit} bytes.", 413))
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    headers += [(b"content-length", str(len(answer.content)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
