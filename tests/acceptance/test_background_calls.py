"""Slow tools of a real MCP server: they move into the background, are cancelled there, killed, marked."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.house import House, Person, wait_for
from tests.agents.model_server import ModelServer, calls, says
from tests.browser import browser, logged_in
from tests.installation import ROOT

__all__ = ["browser"]
SERVER = ROOT / "tests" / "mcp" / "servers" / "sdk.py"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """The model, which calls what the test says."""
    with ModelServer(says("I have heard of it.")) as running:
        running.titles = says("A chat")
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Iterator[House]:
    """An installation in which calls move into the background after a second."""
    folder = tmp_path_factory.mktemp("background")
    config = folder / "mcp.json"
    probe = {"command": sys.executable, "args": [str(SERVER), "stdio"], "approval": "allow"}
    marked = {**probe, "heavy_tools": ["st*"]}
    believed = {**probe, "trusted": True}
    servers = {"probe": probe, "marked": marked, "believed": believed}
    config.write_text(json.dumps({"mcpServers": servers}))
    with House(
        folder / "var",
        MCPCHAT_MODEL="openai:model-a",
        OPENAI_BASE_URL=model.url,
        OPENAI_API_KEY="key-1",
        MCPCHAT_MCP_CONFIG=str(config),
        BACKGROUND_AFTER_SECONDS="1",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def uta(house: House) -> Person:
    """A user, for whom the servers' tools are there."""
    uta = house.user("uta")

    def offered() -> bool:
        names = {tool["name"] for tool in uta.http.get("/api/tools/").json()}
        return {"probe__steps", "marked__steps", "believed__steps"} <= names

    wait_for("the tools of the servers are listed", offered, 40)
    return uta


def _wants(model: ModelServer, tool: str, **arguments: Any) -> None:
    model.then(
        calls(("c1", f"probe__{tool}", json.dumps(arguments))),
        says("It is on its way."),
        says("I have heard of it."),
    )


def _execute(uta: Person, session_id: str, tool: str, wait: float = 0, **more: Any) -> dict[str, Any]:
    body = {"session_id": session_id, **more}
    answer = uta.http.post(f"/api/tools/{tool}/execute/?wait={wait:g}", json=body)
    return dict(answer.raise_for_status().json())


def _summary(uta: Person, session_id: str, tool: str) -> str:
    """Call a tool and return what it said, wherever the call ended: connecting may take long."""
    call = _execute(uta, session_id, tool, wait=15)
    ended = uta.ended(call["subagent_id"]) if "subagent_id" in call else call
    return str(ended["result"]["summary"])


def _moved(uta: Person, session_id: str) -> dict[str, Any]:
    def subagent() -> Any:
        return next(iter(uta.snapshot(session_id)["subagents"]), None)

    return dict(wait_for("the call moved into the background", subagent))


def test_a_slow_call_of_the_agent_goes_on_in_the_background_and_its_result_wakes_the_chat(
    uta: Person, model: ModelServer
) -> None:
    _wants(model, "steps", count=25, pause=0.2)
    session_id = uta.session()
    uta.say(session_id, "Go")
    subagent = _moved(uta, session_id)
    assert (subagent["state"], subagent["title"]) == ("running", "steps")
    wait_for("the agent answers meanwhile", lambda: not uta.snapshot(session_id)["turn"], 3)
    said = [message["content"] for message in uta.snapshot(session_id)["messages"]]
    assert said == ["Go", "It is on its way."]
    ended = uta.ended(subagent["subagent_id"])
    assert (ended["state"], ended["result"]["summary"]) == ("succeeded", "done")
    uta.quiet(session_id)
    said = [message["content"] for message in uta.snapshot(session_id)["messages"]]
    assert said == ["Go", "It is on its way.", "done", "I have heard of it."]
    (call,) = uta.snapshot(session_id)["tool_calls"]
    assert call["subagent_id"] == subagent["subagent_id"]
    assert call["seq"] == subagent["seq"]
    kinds = [event["kind"] for event in uta.events(session_id)]
    assert kinds.count("subagent.started") == kinds.count("subagent.completed") == 1


def test_a_program_is_told_as_what_its_slow_call_goes_on(uta: Person) -> None:
    session_id = uta.session()
    call = _execute(uta, session_id, "probe__wait", wait=15, args={"seconds": 3})
    assert call["state"] == "succeeded"
    ended = uta.http.get(f"/api/subagents/{call['subagent_id']}/?wait=15").json()
    assert (ended["state"], ended["result"]["summary"]) == ("succeeded", "waited")


def test_a_call_in_the_background_is_cancelled_within_2_s_and_the_server_is_told(uta: Person) -> None:
    session_id = uta.session()
    before = _summary(uta, session_id, "probe__cancellations")
    call = _execute(uta, session_id, "probe__wait", wait=15, args={"seconds": 60})
    uta.http.post(f"/api/subagents/{call['subagent_id']}/cancel/").raise_for_status()
    assert uta.ended(call["subagent_id"], 2)["state"] == "cancelled"

    def told() -> bool:
        after = _summary(uta, session_id, "probe__cancellations")
        return int(after) == int(before) + 1

    wait_for("the server is told", told, 5)


def test_a_call_that_finds_its_pool_full_stays_in_front_until_a_slot_is_free(
    house: House, uta: Person
) -> None:
    session_id = uta.session()
    holders = [
        _execute(uta, session_id, "probe__wait", wait=15, args={"seconds": 60})["subagent_id"]
        for _ in range(3)
    ]
    call = _execute(uta, session_id, "probe__wait", wait=2.5, args={"seconds": 20})
    assert (call["state"], call.get("subagent_id")) == ("running", None)
    uta.http.post(f"/api/subagents/{holders[0]}/cancel/").raise_for_status()
    moved = uta.http.get(f"/api/tool-calls/{call['call_id']}/?wait=10").json()
    assert moved["subagent_id"]
    for subagent_id in [*holders, moved["subagent_id"]]:
        uta.http.post(f"/api/subagents/{subagent_id}/cancel/").raise_for_status()
        uta.ended(subagent_id)


@pytest.mark.parametrize(
    ("tool", "execution"), [("probe__steps", "heavy"), ("marked__steps", "auto")], ids=["asked", "marked"]
)
def test_a_call_that_is_heavy_by_word_or_mark_is_a_subagent_from_its_start(
    uta: Person, tool: str, execution: str
) -> None:
    session_id = uta.session()
    subagent = _execute(uta, session_id, tool, args={"count": 3}, execution=execution)
    ended = uta.ended(subagent["subagent_id"])
    assert (ended["state"], ended["result"]["summary"]) == ("succeeded", "done")
    assert ended["progress"] == 100


def test_work_in_the_background_is_lost_with_its_process_and_the_chat_is_told_what_there_was(
    house: House, uta: Person
) -> None:
    session_id = uta.session()
    call = _execute(uta, session_id, "probe__steps", wait=15, args={"count": 600, "pause": 0.1})
    where = f"/api/subagents/{call['subagent_id']}/"
    wait_for("what the server tells is kept", lambda: uta.http.get(where).json()["result"], 10)
    house.kill("chat")
    ended = uta.ended(call["subagent_id"], 20)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "worker_lost")
    assert ended["result"]["partial"]

    def told() -> bool:
        said = [message["content"] for message in uta.snapshot(session_id)["messages"]]
        return any("worker_lost" in content and "%: step " in content for content in said)

    wait_for("the chat is told", told)
    wait_for("another takes calls", lambda: _adds(uta), 60)


def test_work_in_the_background_that_is_safe_to_repeat_is_done_again_when_its_process_dies(
    house: House, uta: Person
) -> None:
    session_id = uta.session()
    call = _execute(uta, session_id, "believed__steps", wait=15, args={"count": 60, "pause": 0.1})
    assert call["subagent_id"]
    house.kill("chat")
    ended = uta.ended(call["subagent_id"], 60)
    assert (ended["state"], ended["attempt"], ended["result"]["summary"]) == ("succeeded", 2, "done")
    assert [earlier["code"] for earlier in ended["attempts"]] == ["worker_lost"]
    said = [message["content"] for message in uta.snapshot(session_id)["messages"]]
    assert said.count("done") == 1


def _adds(uta: Person) -> bool:
    call = _execute(uta, uta.session(), "probe__add", wait=5, args={"first": 1, "second": 2})
    return bool(call["state"] == "succeeded")


def test_a_server_that_is_silent_for_too_long_fails_the_call_and_its_process_is_gone(
    house: House, uta: Person
) -> None:
    config = house.folder.parent / "silent.json"
    silent = {
        "command": sys.executable,
        "args": [str(SERVER), "stdio"],
        "approval": "allow",
        "idle_timeout_seconds": 3,
    }
    config.write_text(json.dumps({"mcpServers": {"silent": silent}}))
    house.manage("import_mcp_servers", str(config))
    wait_for("its tools are listed", lambda: "silent__pid" in _tools(uta), 40)
    session_id = uta.session()
    pid = int(_summary(uta, session_id, "silent__pid"))
    call = _execute(uta, session_id, "silent__wait", wait=15, args={"seconds": 60})
    ended = uta.ended(call["subagent_id"], 20)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "mcp_idle_timeout")
    wait_for("its process is gone", lambda: not psutil.pid_exists(pid), 10)


def _tools(uta: Person) -> set[str]:
    return {tool["name"] for tool in uta.http.get("/api/tools/").json()}


def test_the_card_of_a_slow_call_turns_into_one_of_the_background_that_can_be_cancelled(
    browser: Browser, house: House, uta: Person, model: ModelServer
) -> None:
    context = logged_in(browser, house, house.manage("login_link", "uta").splitlines()[-1])
    page: Page = context.new_page()
    page.goto(house.url)
    _wants(model, "steps", count=100, pause=0.2)
    page.get_by_test_id("composer").fill("Go")
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("tool-card")).to_be_visible(timeout=10_000)
    card = page.get_by_test_id("subagent-card")
    expect(card).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("tool-card")).to_have_count(0)
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("It is on its way.")
    expect(card.locator(".stage")).to_have_text(re.compile(r"Step [2-9]\d"), timeout=15_000)
    card.get_by_test_id("subagent-cancel").click()
    expect(card).to_contain_text("Cancelled", timeout=3_000)
    expect(card.get_by_text("Partial result")).to_be_visible()
    expect(card.get_by_test_id("subagent-summary")).to_contain_text(" %: step ")
    page.reload()
    expect(page.get_by_test_id("subagent-card")).to_contain_text("Cancelled")
    expect(page.get_by_test_id("tool-card")).to_have_count(0)
    context.close()
