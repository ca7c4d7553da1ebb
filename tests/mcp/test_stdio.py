"""Servers over stdio: one kept connection, whose process tree ends with it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from agents_app.mcp.reports import Connected, Failed, Report
from tests.mcp.conftest import SERVERS, raw, stdio, until


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_first_uses_at_once_open_one_connection_and_the_second_call_has_no_start_cost(
    hub: Hub, reports: list[Report]
) -> None:
    server = stdio("sdk.py", "stdio")
    answers = await asyncio.gather(*(hub.call_tool(server, 1, 2, "pid", {}) for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
    assert [type(report) for report in reports] == [Connected]
    began = time.monotonic()
    await hub.call_tool(server, 1, 3, "add", {"first": 1, "second": 2})
    assert time.monotonic() - began < 0.5


async def test_catalogue_has_tools_with_hints_resources_templates_and_prompts(hub: Hub) -> None:
    catalogue = await hub.catalogue(stdio("sdk.py", "stdio"), 1, 2)
    tools = {tool.name: tool for tool in catalogue.tools}
    assert (tools["add"].read_only, tools["add"].destructive) == (True, None)
    assert (tools["pid"].destructive, tools["pid"].idempotent) == (True, False)
    assert tools["add"].input_schema["required"] == ["first", "second"]
    assert {resource.uri for resource in catalogue.resources} == {"probe://text", "probe://bytes"}
    assert [template.uri_template for template in catalogue.resource_templates] == ["probe://items/{name}"]
    named = [(prompt.name, [one.name for one in prompt.arguments]) for prompt in catalogue.prompts]
    assert named == [("greet", ["name"]), ("farewell", [])]
    assert (catalogue.server_name, catalogue.server_version) == ("probe", "7")
    assert (catalogue.instructions, catalogue.protocol_version) == ("Use with care.", "2026-07-28")


async def test_old_protocol_is_spoken_with_who_knows_no_other(hub: Hub) -> None:
    assert (await hub.catalogue(raw("well"), 1, 2)).protocol_version == "2025-11-25"


async def test_resources_and_prompts_are_read(hub: Hub) -> None:
    server = stdio("sdk.py", "stdio")
    text = await hub.read_resource(server, 1, 2, "probe://text")
    assert text.content[0]["text"] == "hello"
    data = await hub.read_resource(server, 1, 2, "probe://bytes")
    assert (data.content[0]["bytes"], data.content[0]["data"]) == (4, "iVBORw==")
    assert (await hub.read_resource(server, 1, 2, "probe://items/a")).content[0]["text"] == "item a"
    prompt = await hub.get_prompt(server, 1, 2, "greet", {"name": "Ann"})
    assert [(message.role, message.content["text"]) for message in prompt.messages] == [
        ("user", "Say hello to Ann.")
    ]
    with pytest.raises(McpError) as refused:
        await hub.read_resource(server, 1, 2, "probe://nothing")
    assert refused.value.code == "mcp_refused"


async def test_scopes_decide_who_shares_a_connection(hub: Hub) -> None:
    async def pids(scope: str) -> list[str]:
        server = raw("well", scope=scope)
        callers = [(1, 1), (1, 2), (2, 3)]
        return [(await hub.call_tool(server, owner, session, "act", {})).text for owner, session in callers]

    shared, user, session = await pids("shared"), await pids("user"), await pids("session")
    assert len(set(shared)) == 1
    assert user[0] == user[1] != user[2]
    assert len(set(session)) == 3


async def test_server_has_its_own_environment_and_none_of_the_workers(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the worker")
    server = stdio("sdk.py", "stdio", env={"TOKEN": "its own"})
    told = [
        (await hub.call_tool(server, 1, 2, "environment", {"name": name})).text
        for name in ("TOKEN", "SECRET_KEY", "PATH", "DJANGO_SETTINGS_MODULE")
    ]
    assert told == ["its own", "(none)", os.environ["PATH"], "(none)"]


async def test_missing_program_is_named(hub: Hub, reports: list[Report]) -> None:
    server = stdio("sdk.py")
    missing = type(server)(id=server.id, name="x", transport="stdio", command="no-such-program")
    with pytest.raises(McpError, match="no program “no-such-program”") as error:
        await hub.catalogue(missing, 1, 2)
    assert error.value.code == "mcp_unreachable"
    assert [type(report) for report in reports] == [Failed]


async def test_server_that_ends_at_its_start_is_told_with_its_last_lines_less_its_secrets(hub: Hub) -> None:
    with pytest.raises(McpError) as error:
        await hub.catalogue(raw("exits", env={"TOKEN": "hunter2hunter2"}), 1, 2)
    assert error.value.code == "mcp_unreachable"
    assert "exit code 3: first line / no configuration: token *** is wrong" in error.value.message


async def test_server_that_never_answers_is_given_up_after_the_connect_timeout(hub: Hub) -> None:
    began = time.monotonic()
    with pytest.raises(McpError, match=r"did not answer within 0\.5 s") as error:
        await hub.catalogue(raw("silent", connect_timeout_seconds=0.5), 1, 2)
    assert error.value.code == "mcp_unreachable"
    assert time.monotonic() - began < 3


async def test_dead_connection_is_opened_anew_for_the_next_call(hub: Hub, reports: list[Report]) -> None:
    server = raw("well")
    first = int((await hub.call_tool(server, 1, 2, "act", {})).text)
    os.kill(first, signal.SIGKILL)
    await until(lambda: not is_alive(first))
    second = int((await hub.call_tool(server, 1, 2, "act", {})).text)
    assert first != second
    assert [type(report) for report in reports] == [Connected, Failed, Connected]


async def test_call_right_after_the_death_of_its_server_is_sent_to_a_new_one(
    hub: Hub, reports: list[Report]
) -> None:
    server = raw("well")
    first = int((await hub.call_tool(server, 1, 2, "act", {})).text)
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_alive(first):  # without the loop, which would learn of it
        assert time.monotonic() < deadline
    assert int((await hub.call_tool(server, 1, 2, "act", {})).text) != first
    await until(lambda: len(reports) == 3)
    assert {type(report) for report in reports} == {Connected, Failed}


async def test_call_whose_server_dies_is_told_and_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    record = tmp_path / "record"
    server = raw("well", str(record))
    with pytest.raises(McpError) as error:
        await hub.call_tool(server, 1, 2, "act", {"manner": "die"})
    assert error.value.code == "mcp_disconnected"
    await hub.call_tool(server, 1, 2, "act", {})
    assert record.read_text().count('"die"') == 1


async def test_all_that_a_server_started_ends_with_its_connection(hub: Hub) -> None:
    pids = json.loads((await hub.call_tool(raw("family"), 1, 2, "act", {})).text)
    assert all(map(is_alive, pids))
    await hub.close()
    assert not any(map(is_alive, pids))


async def test_all_that_a_server_started_ends_when_it_dies(hub: Hub) -> None:
    pids = json.loads((await hub.call_tool(raw("family"), 1, 2, "act", {})).text)
    os.kill(pids[0], signal.SIGKILL)
    await until(lambda: not any(map(is_alive, pids)))


async def test_all_that_a_server_started_ends_when_the_worker_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "told"
    worker = textwrap.dedent(f"""
        import asyncio, pathlib
        from agents_app.mcp.hub import Hub
        from tests.mcp.conftest import raw
        async def main():
            hub = Hub(report=lambda *_: None)
            answer = await hub.call_tool(raw("family"), 1, 2, "act", {{}})
            pathlib.Path({str(told)!r}).write_text(answer.text + "\\n")
            await asyncio.sleep(1000)
        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "-c", worker], cwd=SERVERS.parents[2], start_new_session=True)
    await until(lambda: told.exists() and told.read_text().endswith("\n"), 20)
    pids = json.loads(told.read_text())
    assert all(map(is_alive, pids))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    await until(lambda: not any(map(is_alive, pids)))


async def test_server_that_does_not_end_is_killed_within_seconds(hub: Hub) -> None:
    pid = int((await hub.call_tool(raw("stubborn"), 1, 2, "act", {})).text)
    began = time.monotonic()
    await hub.close()
    assert time.monotonic() - began < 4
    assert not is_alive(pid)


async def test_many_servers_that_do_not_end_are_killed_at_the_same_time(hub: Hub) -> None:
    servers = [raw("stubborn") for _ in range(4)]
    await asyncio.gather(*(hub.catalogue(server, 1, 2) for server in servers))
    began = time.monotonic()
    await hub.close()
    assert time.monotonic() - began < 5


async def test_closing_takes_along_a_server_that_hangs_at_its_start(hub: Hub) -> None:
    before = set(psutil.Process().children())

    def is_started() -> bool:
        return any(guard.children() for guard in psutil.Process().children() if guard not in before)

    opening = asyncio.create_task(hub.catalogue(raw("silent"), 1, 2))
    await until(is_started)
    began = time.monotonic()
    await hub.close()
    assert time.monotonic() - began < 4
    with pytest.raises(McpError):
        await opening
