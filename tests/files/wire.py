"""A client of the server as the wire has it: a body that comes in parts, is cut off, or never ends."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

from mcpchat_project.asgi import application

# Its methods carry no types.
Communicator: Any = ApplicationCommunicator


class Request:
    """One request under way."""

    def __init__(self, method: str, path: str, token: str, **headers: str) -> None:
        sent = {"host": "localhost", "authorization": f"Token {token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }
        self._communicator = Communicator(application, scope)

    async def send(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body."""
        await self._communicator.send_input({"type": "http.request", "body": body, "more_body": more})

    async def go_away(self) -> None:
        """Close the connection."""
        await self._communicator.send_input({"type": "http.disconnect"})

    async def answer(self) -> tuple[int, Any]:
        """Return the status and the JSON of the answer."""
        started = await self._communicator.receive_output(timeout=10)
        body, more = b"", True
        while more:
            message = await self._communicator.receive_output(timeout=10)
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await self._communicator.wait(timeout=10)
        return started["status"], json.loads(body)


async def piece(token: str, file: dict[str, Any], offset: int, *parts: bytes) -> tuple[int, Any]:
    """Send a whole piece of a file, in parts; return the answer."""
    request = Request("PATCH", f"/api/files/{file['file_id']}/content/", token, upload_offset=str(offset))
    for part in parts:
        await request.send(part)
    await request.send(b"", more=False)
    return await request.answer()
