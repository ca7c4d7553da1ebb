"""What a visitor waits for while a long chat is exported, against the same while nothing is done.

The installation is one as `make run` starts it. The visitor loads a page and its session, calls a fast tool,
and says something and waits for the first token, one after the other, in a chat of their own each time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass

import httpx
from django.contrib.auth import get_user_model

from benchmarks.report import percentile
from benchmarks.streaming.house import browser, house, steady_model
from benchmarks.streaming.page import Page
from benchmarks.streaming.visitor import TOOL, timed
from sessions_app.models import ChatSession

FORMATS = ("pdf", "html")
SECONDS = 15.0
"""Of each phase at least; a format that is quicker is exported again and again."""
PAUSE_SECONDS = 0.05
TOKENS = 5
# Titles are made after the first answer; they are not what is measured.
SETTLE_SECONDS = 1.0
EXPORT_SECONDS = 300

Waits = Mapping[str, list[float]]
"""Milliseconds of each kind: page, api, tool and chat."""


@dataclass(frozen=True, kw_only=True)
class Visited:
    """What was waited for in a round: nothing done, then each format exported; seconds of the exports."""

    idle: Waits
    busy: Mapping[str, Waits]
    seconds: Mapping[str, float]

    def ratio(self, file_format: str, kind: str) -> float:
        """Return how the 95th percentiles compare."""
        return percentile(self.busy[file_format][kind], 95) / percentile(self.idle[kind], 95)


def visit(session: ChatSession, rounds: int) -> list[Visited]:
    """Start the installation on the database that `session` is in and return its rounds."""
    name = session.owner.get_username()
    # It prints a link for an operator once it is ready.
    get_user_model().objects.create_superuser("admin")
    with ExitStack() as stack:
        here = stack.enter_context(house(stack.enter_context(steady_model())))
        token = here.manage("api_token", name).splitlines()[-1]
        link = here.manage("login_link", name).splitlines()[-1]
        return asyncio.run(_rounds(here.url, token, link, str(session.pk), rounds))


async def _rounds(url: str, token: str, link: str, session_id: str, rounds: int) -> list[Visited]:
    async with AsyncExitStack() as stack:
        headers = {"Authorization": f"Token {token}"}
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=url, headers=headers, timeout=60))
        window = await stack.enter_async_context(browser(url, link))
        visitor = _Visitor(url, headers, api, window)
        await visitor.during(asyncio.sleep(SETTLE_SECONDS))
        return [await _round(visitor, api, session_id) for _ in range(rounds)]


async def _round(visitor: "_Visitor", api: httpx.AsyncClient, session_id: str) -> Visited:
    idle, _ = await visitor.during(asyncio.sleep(SECONDS))
    busy, seconds = {}, {}
    for name in FORMATS:
        busy[name], took = await visitor.during(_exports(api, session_id, name))
        seconds[name] = took or 0.0
    return Visited(idle=idle, busy=busy, seconds=seconds)


async def _exports(api: httpx.AsyncClient, session_id: str, file_format: str) -> float:
    """Have the chat exported for `SECONDS` at least and return what the quickest took."""
    loop = asyncio.get_running_loop()
    took: list[float] = []
    until = loop.time() + SECONDS
    while not took or loop.time() < until:
        took.append(await _export(api, session_id, file_format))
    return min(took)


async def _export(api: httpx.AsyncClient, session_id: str, file_format: str) -> float:
    wish = {"session_id": session_id, "format": file_format}
    export = (await api.post("/api/exports/", json=wish)).raise_for_status().json()
    async with asyncio.timeout(EXPORT_SECONDS):
        while export["state"] not in ("succeeded", "failed", "cancelled"):
            answer = await api.get(f"/api/exports/{export['export_id']}/", params={"wait": 30})
            export = answer.raise_for_status().json()
    if export["state"] != "succeeded":
        raise RuntimeError(f"the export {export['state']}: {export['error']}")
    return float(export["duration_ms"]) / 1000


class _Visitor:
    """Does one thing after the other and keeps how long each took."""

    def __init__(
        self, url: str, headers: dict[str, str], api: httpx.AsyncClient, window: httpx.AsyncClient
    ) -> None:
        self._url, self._headers = url, headers
        self._api, self._window = api, window

    async def during(self, work: Coroutine[None, None, float | None]) -> tuple[Waits, float | None]:
        """Visit until `work` is done, in a new chat, so that none grows longer than another."""
        waits: dict[str, list[float]] = defaultdict(list)
        async with Page(self._url, self._headers) as chat, Page(self._url, self._headers) as other:
            await chat.ask(TOKENS)
            await asyncio.sleep(SETTLE_SECONDS)
            done = asyncio.create_task(work)
            while not done.done():
                await self._visit(waits, chat, other.session_id)
            return waits, await done

    async def _visit(self, waits: dict[str, list[float]], chat: Page, session_id: str) -> None:
        call = {"session_id": session_id, "args": {}}
        waits["page"].append(await timed(self._window.get(f"/sessions/{session_id}/")))
        await asyncio.sleep(PAUSE_SECONDS)
        waits["api"].append(await timed(self._api.get(f"/api/sessions/{session_id}/")))
        await asyncio.sleep(PAUSE_SECONDS)
        waits["tool"].append(await timed(self._api.post(f"/api/tools/{TOOL}/execute/", json=call)))
        await asyncio.sleep(PAUSE_SECONDS)
        waits["chat"].append((await chat.ask(TOKENS)).first_token_ms)
        await asyncio.sleep(PAUSE_SECONDS)
