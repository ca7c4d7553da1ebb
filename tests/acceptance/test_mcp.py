"""Real MCP servers in a running installation: called by the model and by REST, stopped, killed, paused."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.house import House, Person, wait_for
from tests.agents.model_server import ModelServer, calls, says
from tests.browser import browser, logged_in
from tests.installation import ROOT

__all__ = ["browser"]
SERVER = ROOT / "tests" / "mcp" / "servers" / "sdk.py"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """The model, which calls what the test says."""
    with ModelServer(says("Hello.")) as running:
        running.titles = says("A chat")
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Iterator[House]:
    """An installation with an MCP server of its operator and one that cannot be started."""
    folder = tmp_path_factory.mktemp("mcp")
    config = folder / "mcp.json"
    servers = {
        "probe": {"command": sys.executable, "args": [str(SERVER), "stdio"]},
        "absent": {"command": str(folder / "no-such-program")},
    }
    config.write_text(json.dumps({"mcpServers": servers}))
    with House(
        folder / "var",
        MCPCHAT_MODEL="openai:model-a",
        OPENAI_BASE_URL=model.url,
        OPENAI_API_KEY="key-1",
        MCPCHAT_MCP_CONFIG=str(config),
    ) as running:
        yield running


@pytest.fixture(scope="module")
def una(house: House) -> Person:
    """A user, for whom the server's tools are there."""
    una = house.user("una")

    def offered() -> bool:
        return any(tool["name"] == "probe__add" for tool in una.http.get("/api/tools/").json())

    wait_for("the tools of the server are listed", offered)
    return una


@pytest.fixture(scope="module")
def unas_browser(browser: Browser, house: House, una: Person) -> Iterator[BrowserContext]:
    """Her browser."""
    context = logged_in(browser, house, house.manage("login_link", "una").splitlines()[-1])
    yield context
    context.close()


@pytest.fixture
def page(unas_browser: BrowserContext, house: House) -> Iterator[Page]:
    """A new chat."""
    page = unas_browser.new_page()
    page.goto(house.url)
    yield page
    page.close()


def _say(page: Page, text: str = "Go") -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")


def _wants(model: ModelServer, tool: str, **arguments: Any) -> None:
    model.then(calls(("c1", f"probe__{tool}", json.dumps(arguments))), says("There it is."))


def _execute(una: Person, tool: str, wait: int = 15, **args: Any) -> dict[str, Any]:
    body = {"session_id": una.session(), "args": args}
    answer = una.http.post(f"/api/tools/{tool}/execute/?wait={wait}", json=body)
    return dict(answer.raise_for_status().json())


def test_a_program_gets_the_result_of_a_servers_tool(una: Person) -> None:
    done = _execute(una, "probe__add", first=2, second=3)
    assert (done["state"], done["result"]["summary"]) == ("succeeded", "5")
    assert done["result"]["data"]["structured"] == {"result": 5}


def test_a_program_that_does_not_wait_gets_the_call_and_finds_its_end_later(una: Person) -> None:
    body = {"session_id": una.session(), "args": {"seconds": 0.5}}
    answer = una.http.post("/api/tools/probe__wait/execute/", json=body)
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    ended = una.http.get(f"/api/tool-calls/{answer.json()['call_id']}/?wait=20").json()
    assert (ended["state"], ended["result"]["summary"]) == ("succeeded", "waited")


def test_arguments_that_do_not_fit_never_reach_the_server(una: Person) -> None:
    body = {"session_id": una.session(), "args": {"first": "two"}}
    answer = una.http.post("/api/tools/probe__add/execute/", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_arguments")


def test_a_tool_that_fails_says_so(una: Person) -> None:
    done = _execute(una, "probe__fail")
    assert (done["state"], done["error"]["code"]) == ("failed", "tool_error")


def test_a_question_of_a_server_is_refused_clearly(una: Person) -> None:
    done = _execute(una, "probe__ask")
    assert done["state"] == "failed" or "decline" in str(done["result"]).lower()


def test_the_model_calls_a_tool_that_only_reads_without_asking(page: Page, model: ModelServer) -> None:
    _wants(model, "add", first=2, second=3)
    _say(page)
    expect(page.get_by_test_id("message-assistant")).to_contain_text("There it is.", timeout=15_000)
    expect(page.get_by_test_id("tool-card")).to_have_attribute("data-state", "succeeded")
    expect(page.get_by_test_id("approval-card")).to_have_count(0)
    assert "5" in str(model.asked[-1]["messages"][-1]["content"])


def test_a_tool_of_a_third_party_is_asked_for_and_shows_its_progress(page: Page, model: ModelServer) -> None:
    _wants(model, "steps", count=40, pause=0.1)
    _say(page)
    page.get_by_test_id("approval-once").click(timeout=15_000)
    card = page.get_by_test_id("tool-card")
    expect(card).to_contain_text("% · step", timeout=10_000)
    expect(page.get_by_test_id("message-assistant")).to_contain_text("There it is.", timeout=15_000)


def test_a_stop_reaches_the_server_and_leaves_it_usable(page: Page, una: Person, model: ModelServer) -> None:
    before = int(_execute(una, "probe__cancellations")["result"]["summary"])
    pid = _execute(una, "probe__pid")["result"]["summary"]
    _wants(model, "wait", seconds=60)
    _say(page)
    page.get_by_test_id("approval-once").click(timeout=15_000)
    expect(page.get_by_test_id("tool-card")).to_have_attribute("data-state", "running", timeout=10_000)
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("turn-notice")).to_contain_text("You stopped", timeout=2_500)
    expect(page.get_by_test_id("tool-card")).to_have_attribute("data-state", "failed")
    told = "the server was told"
    wait_for(told, lambda: int(_execute(una, "probe__cancellations")["result"]["summary"]) == before + 1)
    assert _execute(una, "probe__pid")["result"]["summary"] == pid


def test_a_server_killed_in_mid_call_fails_that_call_and_is_started_anew(una: Person) -> None:
    pid = int(_execute(una, "probe__pid")["result"]["summary"])
    body = {"session_id": una.session(), "args": {"seconds": 60}}
    call = una.http.post("/api/tools/probe__wait/execute/", json=body).json()
    wait_for("the call runs", lambda: psutil.Process(pid).is_running())
    assert una.http.get(f"/api/tool-calls/{call['call_id']}/?wait=1").json()["state"] == "running"
    os.kill(pid, signal.SIGKILL)
    ended = una.http.get(f"/api/tool-calls/{call['call_id']}/?wait=10").json()
    assert (ended["state"], ended["error"]["code"]) == ("failed", "mcp_disconnected")
    assert int(_execute(una, "probe__pid")["result"]["summary"]) != pid


@pytest.fixture(scope="module")
def olaf(house: House) -> Person:
    """An operator."""
    house.manage("create_user", "olaf", "--staff")
    olaf = Person(house, house.manage("api_token", "olaf").splitlines()[-1])
    house.people.append(olaf)
    return olaf


def _remove(house: House, olaf: Person, server_id: str) -> None:
    olaf.http.delete(f"/api/mcp/servers/{server_id}/").raise_for_status()


def _switch_off(house: House, olaf: Person, server_id: str) -> None:
    olaf.http.patch(f"/api/mcp/servers/{server_id}/", json={"enabled": False}).raise_for_status()


def _vanish(house: House, olaf: Person, server_id: str) -> None:
    """Take the row away without telling anybody, as it goes with its owner."""
    program = "from agents_app.models import McpServer; McpServer.objects.filter(pk='{}').delete()"
    house.manage("shell", "-c", program.format(server_id))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (_remove, "The server was removed."),
        (_switch_off, "The server was switched off."),
        (_vanish, "The server was removed."),
    ],
)
def test_a_server_taken_out_of_use_in_mid_call_ends_the_call_and_its_process(
    house: House, una: Person, olaf: Person, act: Callable[[House, Person, str], None], reason: str
) -> None:
    name = act.__name__.strip("_").replace("_", "-")
    program = {"name": name, "command": sys.executable, "args": [str(SERVER), "stdio"]}
    server_id = olaf.http.post("/api/mcp/servers/", json=program).raise_for_status().json()["id"]
    server = f"/api/mcp/servers/{server_id}/"
    wait_for("its tools are known", lambda: una.http.get(server).json()["tool_count"])
    pid = int(_execute(una, f"{name}__pid")["result"]["summary"])
    body = {"session_id": una.session(), "args": {"seconds": 60}}
    call = una.http.post(f"/api/tools/{name}__wait/execute/?wait=1", json=body).json()
    assert (call["state"], psutil.pid_exists(pid)) == ("running", True)
    act(house, olaf, server_id)
    taken_at = time.monotonic()
    ended = una.http.get(f"/api/tool-calls/{call['call_id']}/?wait=5").json()
    assert (ended["state"], ended["error"]) == ("failed", {"code": "mcp_disconnected", "message": reason})
    wait_for("its process is gone", lambda: not psutil.pid_exists(pid), 5 - (time.monotonic() - taken_at))


def test_users_do_not_share_a_process(house: House, una: Person) -> None:
    other = house.user("ugo")
    assert _execute(una, "probe__pid")["result"] != _execute(other, "probe__pid")["result"]


def test_a_server_that_cannot_be_started_is_shown_as_unhealthy(una: Person) -> None:
    def absent() -> dict[str, Any]:
        rows = una.http.get("/api/mcp/servers/").json()
        found = rows["results"] if isinstance(rows, dict) else rows
        return next(row for row in found if row["name"] == "absent")

    wait_for("it is known to be ill", lambda: absent()["health"] in ("unhealthy", "paused"))


def _sum(una: Person) -> str:
    try:
        return str(_execute(una, "probe__add", wait=5, first=1, second=1)["state"])
    except httpx.HTTPStatusError:  # while the server counts as ill its tools are not offered
        return ""


def test_a_killed_chat_worker_leaves_no_server_behind_and_the_tools_come_back(
    house: House, una: Person
) -> None:
    pid = int(_execute(una, "probe__pid")["result"]["summary"])
    house.kill("chat")
    wait_for("the server is gone", lambda: not psutil.pid_exists(pid))
    wait_for(
        "a call succeeds", lambda: _execute(una, "probe__add", first=1, second=1)["state"] == "succeeded", 40
    )


def test_the_file_of_servers_is_read_again_without_doubling_them(house: House, tmp_path: Path) -> None:
    file = tmp_path / "more.json"
    file.write_text(json.dumps({"mcpServers": {"absent": {"command": "/no/such/thing"}}}))
    assert "absent" in house.manage("import_mcp_servers", str(file))
