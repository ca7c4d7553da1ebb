"""What a page sees: it posts a message and follows the session over its websocket."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.streaming.heard import Answer
from benchmarks.streaming.model import wish

ANSWER_SECONDS = 60.0


class Page:
    """A chat session that is open in a page; a context manager around its connections."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = headers
        self._stack = AsyncExitStack()
        self.session_id = ""

    async def __aenter__(self) -> Self:
        client = httpx.AsyncClient(base_url=self._url, headers=self._headers, timeout=60)
        self._http = await self._stack.enter_async_context(client)
        begun = await self._http.post("/api/sessions/", json={})
        self.session_id = begun.raise_for_status().json()["id"]
        address = f"{self._url.replace('http', 'ws')}/ws/sessions/{self.session_id}/?after=0"
        socket = connect(address, additional_headers=self._headers, compression=None)
        self._socket: ClientConnection = await self._stack.enter_async_context(socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self, tokens: int) -> Answer:
        """Say what is answered with so many tokens, and hear the answer until its turn has ended."""
        answer = Answer()
        await asyncio.gather(self._post(wish(tokens)), self._hear(answer))
        return answer

    async def _post(self, content: str) -> None:
        answered = await self._http.post(
            f"/api/sessions/{self.session_id}/messages/", json={"content": content}
        )
        answered.raise_for_status()

    async def _hear(self, answer: Answer) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            while not await self._has_ended(answer):
                pass

    async def _has_ended(self, answer: Answer) -> bool:
        events: list[dict[str, Any]] = json.loads(await self._socket.recv())
        for event in events:
            if event["kind"] == "message.delta":
                answer.hear(event["payload"]["text"])
            elif event["kind"] in ("turn.failed", "turn.cancelled"):
                raise RuntimeError(f"the answer failed: {event['payload']}")
        return any(event["kind"] == "turn.completed" for event in events)
