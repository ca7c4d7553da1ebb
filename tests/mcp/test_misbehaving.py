"""Servers that lie or flood: an error with a code, their connection closed, nothing else touched."""

import asyncio
import logging
import time

import pytest

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Failed, Report
from tests.mcp.conftest import raw, until


@pytest.mark.parametrize(
    ("manner", "code"),
    [
        ("broken_json", "mcp_protocol_error"),
        ("wrong_id", "mcp_protocol_error"),
        ("wrong_type", "mcp_protocol_error"),
        ("not_an_object", "mcp_protocol_error"),
        ("noise", "mcp_protocol_error"),
        ("huge_line", "mcp_too_large"),
        ("flood", "mcp_too_large"),
    ],
)
async def test_connection_is_closed_with_an_error_and_others_go_on(
    hub: Hub, reports: list[Report], manner: str, code: str
) -> None:
    good, bad = raw("well"), raw(manner, idle_timeout_seconds=20)
    first = (await hub.call_tool(good, 1, 2, "act", {})).text
    began = time.monotonic()
    with pytest.raises(McpError) as error:
        await hub.call_tool(bad, 1, 2, "act", {})
    assert error.value.code == code
    assert time.monotonic() - began < 10
    await until(lambda: any(isinstance(report, Failed) for report in reports))
    assert [report.error.code for report in reports if isinstance(report, Failed)] == [code]
    assert (await hub.call_tool(good, 1, 2, "act", {})).text == first
    assert (await hub.call_tool(bad, 1, 2, "act", {"manner": "well"})).text  # on a new connection


async def test_loop_is_not_held_by_a_flood(hub: Hub) -> None:
    longest, last = 0.0, time.monotonic()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    server = raw("flood")
    await hub.catalogue(server, 1, 2)
    last = time.monotonic()
    ticking = asyncio.create_task(tick())
    with pytest.raises(McpError):
        await hub.call_tool(server, 1, 2, "act", {})
    ticking.cancel()
    await asyncio.wait({ticking})
    assert longest < 0.5


@pytest.mark.parametrize(
    ("manner", "code"),
    [("endless", "mcp_too_large"), ("many", "mcp_too_large"), ("same", "mcp_protocol_error")],
)
async def test_list_without_end_is_refused(hub: Hub, manner: str, code: str) -> None:
    with pytest.raises(McpError) as error:
        await hub.catalogue(raw(manner), 1, 2)
    assert error.value.code == code


async def test_unusable_tools_are_left_out_and_logged(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "agents_app.mcp"):
        catalogue = await hub.catalogue(raw("hostile"), 1, 2)
    assert [tool.name for tool in catalogue.tools] == ["act"]
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 11
    assert not any("\n" in line for line in lines)


async def test_answers_are_bounded_and_cleaned(hub: Hub) -> None:
    answer = await hub.call_tool(raw("dirty"), 1, 2, "act", {})
    dirty, long, image, large = answer.content
    assert dirty == {"type": "text", "text": "ab?c"}
    assert long["truncated"]
    assert len(long["text"]) < 1_048_577
    assert image == {"type": "image", "mime_type": "image/png", "bytes": 8, "data": "iVBORw0KGgo="}
    assert large == {"type": "image", "mime_type": "image/png", "bytes": 3_750_000}
    assert answer.structured == {"key": ["?", 1]}


@pytest.mark.parametrize("manner", ["greets", "chatty"])
async def test_words_on_the_wrong_output_or_many_on_the_right_one_do_no_harm(hub: Hub, manner: str) -> None:
    assert (await hub.call_tool(raw(manner), 1, 2, "act", {})).text
