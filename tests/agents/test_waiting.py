"""`?wait=`: an answer that waits for the end of the work, for a bounded time."""

import asyncio
import time
from typing import Any

import pytest
from django.test import AsyncClient

from agents_app import pool
from sessions_app.models import ChatSession
from tests.agents import work
from tests.sessions.sockets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hub")]


async def _client(user: Any) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(user)
    return client


async def _wish(client: AsyncClient, session: ChatSession, wait: str) -> Any:
    wish = {"session_id": str(session.pk), "args": {}}
    return await client.post(f"/api/tools/probe/execute/?wait={wait}", wish, content_type="application/json")


async def test_the_answer_comes_when_the_work_has_ended(ann: Any, session: ChatSession) -> None:
    await in_thread(work.workers)
    asking = asyncio.create_task(_wish(await _client(ann), session, "5"))

    def end() -> bool:
        subagent = session.subagents.filter(state="admitted").first()
        return subagent is not None and work.succeed(subagent)

    async with asyncio.timeout(5):
        while not await in_thread(end):
            await asyncio.sleep(0.02)
    answer = await asyncio.wait_for(asking, 2)
    assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")


async def test_work_that_goes_on_is_answered_by_its_handle(ann: Any, session: ChatSession) -> None:
    began = time.monotonic()
    answer = await _wish(await _client(ann), session, "0.3")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert 0.3 <= time.monotonic() - began < 2


async def test_work_that_has_ended_already_is_answered_at_once(ann: Any, session: ChatSession) -> None:
    subagent = await in_thread(lambda: work.queue(session))
    await in_thread(lambda: pool.cancel(subagent.pk))
    began = time.monotonic()
    answer = await (await _client(ann)).get(f"/api/subagents/{subagent.pk}/?wait=10")
    assert answer.json()["state"] == "cancelled"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "inf", "abc", "%00"])
async def test_a_wait_that_makes_no_sense_is_refused_and_nothing_is_queued(
    ann: Any, session: ChatSession, wait: str
) -> None:
    answer = await _wish(await _client(ann), session, wait)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_wait")
    assert not await in_thread(session.subagents.exists)


async def test_who_waits_for_anothers_work_gets_nothing(bob: Any, session: ChatSession) -> None:
    subagent = await in_thread(lambda: work.queue(session))
    began = time.monotonic()
    answer = await (await _client(bob)).get(f"/api/subagents/{subagent.pk}/?wait=10")
    assert answer.status_code == 404
    assert time.monotonic() - began < 2
