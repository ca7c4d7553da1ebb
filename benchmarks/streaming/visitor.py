"""Somebody who meanwhile calls a fast tool and loads the page."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Self

import httpx

PAUSE_SECONDS = 0.1
TOOL = "list_subagents"


class Visitor:
    """Calls and loads in turn, ten times a second at most; keeps how many milliseconds each took.

    A context manager around its work: it begins with it and stops at its end.
    """

    def __init__(self, api: httpx.AsyncClient, browser: httpx.AsyncClient, session_id: str) -> None:
        self._api = api
        self._browser = browser
        self._session_id = session_id
        self._task: asyncio.Task[None] | None = None
        self.tool_ms: list[float] = []
        self.page_ms: list[float] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._visit())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        if not self._task.done():
            self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _visit(self) -> None:
        call = {"session_id": self._session_id, "args": {}}
        while True:
            self.tool_ms.append(await timed(self._api.post(f"/api/tools/{TOOL}/execute/", json=call)))
            await asyncio.sleep(PAUSE_SECONDS)
            self.page_ms.append(await timed(self._browser.get(f"/sessions/{self._session_id}/")))
            await asyncio.sleep(PAUSE_SECONDS)


async def timed(request: Awaitable[Any]) -> float:
    """Return how many milliseconds an answer took. Raises unless it is 200, and of the address asked."""
    began = time.perf_counter()
    answer = await request
    took = (time.perf_counter() - began) * 1000
    if answer.raise_for_status().status_code != httpx.codes.OK or answer.history:
        raise RuntimeError(f"{answer.url} answered {answer.status_code}")
    return took
