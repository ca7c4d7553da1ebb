"""Calls: their progress, how long they may take, and what cancelling one does."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Changed, Connected, Report
from agents_app.mcp.results import percent
from tests.mcp.conftest import raw, stdio, until


def received(record: Path, method: str) -> list[dict[str, object]]:
    """The messages of a method that a server received."""
    messages = [json.loads(line) for line in record.read_text().splitlines()]
    return [message for message in messages if message.get("method") == method]


async def test_progress_is_told_as_it_comes_and_carries_the_call_past_its_idle_timeout(hub: Hub) -> None:
    told: list[tuple[float, float | None, str]] = []
    server = stdio("sdk.py", "stdio", idle_timeout_seconds=0.6)
    arguments = {"count": 5, "pause": 0.2}
    answer = await hub.call_tool(
        server, 1, 2, "steps", arguments, progress=lambda *progress: told.append(progress)
    )
    assert answer.text == "done"
    assert told == [(float(step), 5.0, f"step {step}") for step in range(1, 6)]


async def test_progress_without_a_total_is_cleaned_and_carries_the_call_too(hub: Hub) -> None:
    told: list[tuple[float, float | None, str]] = []
    server = raw("progress", idle_timeout_seconds=0.4)
    await hub.call_tool(server, 1, 2, "act", {}, progress=lambda *progress: told.append(progress))
    assert told[:2] == [(0.0, None, "step 0"), (1.0, None, "step 1")]


def test_percent_is_known_only_with_a_total() -> None:
    assert [percent(1, 3), percent(5, 4), percent(-1, 4), percent(1, None), percent(1, 0)] == [
        33,
        100,
        0,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("mcp_idle_timeout", {"idle_timeout_seconds": 0.3}),
        ("mcp_timeout", {"idle_timeout_seconds": 5, "call_timeout_seconds": 0.3}),
    ],
)
async def test_call_that_takes_too_long_ends_and_the_server_is_told(
    hub: Hub, tmp_path: Path, code: str, limits: dict[str, float]
) -> None:
    record = tmp_path / "record"
    server = raw("never", str(record), **limits)
    await hub.catalogue(server, 1, 2)
    began = time.monotonic()
    with pytest.raises(McpError) as error:
        await hub.call_tool(server, 1, 2, "act", {})
    assert error.value.code == code
    assert time.monotonic() - began < 3
    await until(lambda: received(record, "notifications/cancelled"))


async def test_progress_does_not_carry_a_call_past_its_timeout_in_all(hub: Hub) -> None:
    server = raw("progress", idle_timeout_seconds=5, call_timeout_seconds=0.3)
    with pytest.raises(McpError) as error:
        await hub.call_tool(server, 1, 2, "act", {})
    assert error.value.code == "mcp_timeout"


async def test_cancelling_tells_the_server_and_leaves_the_connection_usable(
    hub: Hub, tmp_path: Path, reports: list[Report]
) -> None:
    record = tmp_path / "record"
    server = raw("never", str(record))
    call = asyncio.create_task(hub.call_tool(server, 1, 2, "act", {}))
    await until(lambda: record.exists() and received(record, "tools/call"))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: received(record, "notifications/cancelled"))
    asked, told = received(record, "tools/call")[0], received(record, "notifications/cancelled")[0]
    assert told["params"]["requestId"] == asked["id"]  # type: ignore[index]
    assert (await hub.call_tool(server, 1, 2, "act", {"manner": "well"})).text
    assert [type(report) for report in reports] == [Connected]


async def test_cancelled_call_of_an_sdk_server_stops_there(hub: Hub) -> None:
    server = stdio("sdk.py", "stdio")
    await hub.catalogue(server, 1, 2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await hub.call_tool(server, 1, 2, "wait", {"seconds": 60})
    async with asyncio.timeout(5):
        while (await hub.call_tool(server, 1, 2, "cancellations", {})).structured != {"result": 1}:
            await asyncio.sleep(0.05)


async def test_server_that_does_not_read_holds_neither_a_call_nor_its_cancelling(hub: Hub) -> None:
    server = raw("deaf", idle_timeout_seconds=0.5)
    await hub.catalogue(server, 1, 2)
    big = {"text": "x" * 200_000}
    began = time.monotonic()
    calls = [hub.call_tool(server, 1, 2, "act", big) for _ in range(5)]
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, McpError)
        assert outcome.code == "mcp_idle_timeout"
    assert time.monotonic() - began < 4


async def test_tool_that_fails_and_tool_that_is_not_there_are_told_as_errors_of_the_tool(hub: Hub) -> None:
    server = stdio("sdk.py", "stdio")
    failed = await hub.call_tool(server, 1, 2, "fail", {})
    assert failed.is_error
    assert "fail" in failed.text
    missing = await hub.call_tool(server, 1, 2, "no_such_tool", {})
    assert missing.is_error


async def test_error_of_the_server_is_told_in_its_words(hub: Hub, reports: list[Report]) -> None:
    with pytest.raises(McpError) as error:
        await hub.call_tool(raw("refuses"), 1, 2, "act", {})
    assert (error.value.code, error.value.message) == ("mcp_refused", "not today")
    assert [type(report) for report in reports] == [Connected]


async def test_server_that_asks_the_user_or_the_model_is_refused_clearly(hub: Hub) -> None:
    answer = await hub.call_tool(raw("ask"), 1, 2, "act", {})
    assert json.loads(answer.text) == ["Elicitation not supported", "Sampling not supported"]


@pytest.mark.parametrize(
    ("script", "manner", "tool"), [("raw.py", "input_required", "act"), ("sdk.py", "stdio", "ask")]
)
async def test_call_that_needs_an_answer_of_the_user_says_so(
    hub: Hub, script: str, manner: str, tool: str
) -> None:
    with pytest.raises(McpError, match="wants to ask the user") as error:
        await hub.call_tool(stdio(script, manner), 1, 2, tool, {})
    assert error.value.code == "mcp_elicitation_unsupported"


@pytest.mark.parametrize(
    ("script", "manner", "tool"), [("raw.py", "changes", "second"), ("sdk.py", "stdio", "grown")]
)
async def test_changed_tools_are_read_again_and_told_once(
    hub: Hub, reports: list[Report], script: str, manner: str, tool: str
) -> None:
    server = stdio(script, manner)
    await hub.call_tool(server, 1, 2, "grow" if tool == "grown" else "act", {})
    await until(lambda: any(isinstance(report, Changed) for report in reports))
    assert tool in {described.name for described in (await hub.catalogue(server, 1, 2)).tools}
    assert sum(isinstance(report, Changed) for report in reports) == 1
