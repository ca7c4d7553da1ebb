"""What the hub keeps and what it closes."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Connected, Report
from tests.mcp.conftest import SERVERS, HttpServer, http, raw, stdio, until
from tests.mcp.test_stdio import is_alive

REMOVED = "The server was removed."


async def pid(hub: Hub, server: object, owner: int = 1, session: int = 2) -> int:
    return int((await hub.call_tool(server, owner, session, "act", {})).text)  # type: ignore[arg-type]


def test_what_the_web_process_imports_loads_no_sdk() -> None:
    program = (
        "import sys; import agents_app.mcp.server, agents_app.mcp.results, agents_app.mcp.errors\n"
        "import agents_app.mcp.reports\n"
        "print([name for name in ('mcp', 'mcp_types', 'httpx2', 'anyio', 'pydantic') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=SERVERS.parents[2], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


async def test_idle_connection_is_closed_and_a_busy_one_is_not(reports: list[Report]) -> None:
    hub = Hub(report=lambda _server, report: reports.append(report), idle_seconds=0)
    idle, busy = raw("well"), raw("never")
    first = await pid(hub, idle)
    call = asyncio.create_task(hub.call_tool(busy, 1, 2, "act", {}))
    await until(lambda: len(reports) == 2)
    await hub.close_idle()
    assert not is_alive(first)
    assert not call.done()
    assert await pid(hub, idle) != first
    await hub.close()
    with pytest.raises(McpError) as error:
        await call
    assert error.value.code == "mcp_disconnected"
    assert {type(report) for report in reports} == {Connected}


async def test_program_that_speaks_an_old_protocol_is_asked_only_once_which(tmp_path: Path) -> None:
    hub = Hub(report=lambda *_: None, idle_seconds=0)
    server = raw("well", str(tmp_path / "record"))
    for _ in range(2):
        await pid(hub, server)
        await hub.close_idle()
    record = (tmp_path / "record").read_text()
    assert (record.count('"initialize"'), record.count('"server/discover"')) == (2, 1)


async def test_used_connection_is_not_idle(hub: Hub) -> None:
    server = raw("well")
    first = await pid(hub, server)
    await hub.close_idle()
    assert await pid(hub, server) == first


async def test_new_revision_takes_over_while_calls_of_the_old_one_end(hub: Hub, tmp_path: Path) -> None:
    old = raw("progress")
    call = asyncio.create_task(hub.call_tool(old, 1, 2, "act", {}))
    first = await pid_of_other(hub, old)
    second = await pid(hub, replace(old, args=(*old.args[:1], "well"), revision=1))
    assert first != second
    assert (await call).text == "done"
    await until(lambda: not is_alive(first))


async def pid_of_other(hub: Hub, server: object) -> int:
    answer = await hub.call_tool(server, 1, 2, "act", {"manner": "well"})  # type: ignore[arg-type]
    return int(answer.text)


async def test_closing_a_session_or_a_server_closes_its_connections_only(hub: Hub) -> None:
    private, shared = raw("well", scope="session"), raw("well", scope="shared")
    mine, others = await pid(hub, private, 1, 2), await pid(hub, private, 1, 3)
    everyones = await pid(hub, shared)
    await hub.close_session(2)
    assert [is_alive(each) for each in (mine, others, everyones)] == [False, True, True]
    await hub.close_server(shared.id, REMOVED)
    assert [is_alive(each) for each in (others, everyones)] == [True, False]


async def test_call_on_a_server_that_is_closed_is_told_why(
    hub: Hub, reports: list[Report], http_server: HttpServer
) -> None:
    well: dict[str, Any] = {"seconds": 60}
    hangs: dict[str, Any] = {"manner": "never"}
    calls = [
        (stdio("sdk.py", "stdio"), "wait", well),
        (http(http_server.url), "wait", well),
        (raw("never"), "act", hangs),
        (raw("stubborn"), "act", hangs),
    ]
    running = [
        asyncio.create_task(hub.call_tool(server, 1, 2, tool, arguments)) for server, tool, arguments in calls
    ]
    await until(lambda: len(reports) == len(calls))
    assert hub.server_ids() == {server.id for server, *_ in calls}
    began = time.monotonic()
    await asyncio.gather(*(hub.close_server(server.id, REMOVED) for server, *_ in calls))
    assert time.monotonic() - began < 4
    assert hub.server_ids() == set()
    for error in await asyncio.gather(*running, return_exceptions=True):
        assert isinstance(error, McpError)
        assert (error.code, error.message) == ("mcp_disconnected", REMOVED)
    assert {type(report) for report in reports} == {Connected}


async def test_closing_a_server_ends_what_waits_for_it_to_start_and_what_an_older_revision_runs(
    hub: Hub, reports: list[Report]
) -> None:
    server = raw("never")
    old = asyncio.create_task(hub.call_tool(server, 1, 2, "act", {}))
    await until(lambda: reports)
    newer = replace(server, args=(*server.args[:1], "silent"), revision=1)
    new = asyncio.create_task(hub.call_tool(newer, 1, 2, "act", {}))
    await asyncio.sleep(0)
    assert not old.done()
    await hub.close_server(server.id, REMOVED)
    ended = await asyncio.gather(old, new, return_exceptions=True)
    assert [str(error) for error in ended] == [f"mcp_disconnected: {REMOVED}"] * 2


async def test_connection_unused_for_longest_makes_room_and_busy_ones_are_not_touched(
    reports: list[Report],
) -> None:
    hub = Hub(report=lambda _server, report: reports.append(report), max_connections=2)
    busy, idle, new = raw("never"), raw("well"), raw("well")
    call = asyncio.create_task(hub.call_tool(busy, 1, 2, "act", {}))
    first = await pid(hub, idle)
    await pid(hub, new)
    await until(lambda: not is_alive(first))
    assert not call.done()
    others = asyncio.create_task(hub.call_tool(new, 1, 2, "act", {"manner": "never"}))
    await asyncio.sleep(0)
    with pytest.raises(McpError, match="Too many connections"):
        await pid(hub, idle)
    for task in (call, others):
        task.cancel()
    await asyncio.wait({call, others})
    await hub.close()


@pytest.mark.parametrize(
    ("value", "code"),
    [(float("nan"), "mcp_refused"), ({1}, "mcp_refused"), ("x" * 5_000_000, "mcp_too_large")],
)
async def test_arguments_that_no_server_can_take_are_refused_here(hub: Hub, value: object, code: str) -> None:
    with pytest.raises(McpError) as error:
        await hub.call_tool(raw("well"), 1, 2, "act", {"value": value})
    assert error.value.code == code


async def test_report_that_raises_breaks_nothing() -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no")

    hub = Hub(report=refuse)
    assert await pid(hub, raw("well"))
    await hub.close()
