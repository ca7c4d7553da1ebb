"""What a user allowed for a chat or for always: seen in the page, and taken back there."""

import json
import re
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.acceptance.house import House, Person, wait_for
from tests.agents.model_server import ModelServer, calls, says
from tests.browser import browser, errors_of, logged_in, say
from tests.installation import ROOT

__all__ = ["browser"]
SERVER = ROOT / "tests" / "mcp" / "servers" / "sdk.py"
SEED = """
from agents_app.models import ToolPermission
from django.contrib.auth import get_user_model
from sessions_app import lifecycle
vera = get_user_model().objects.get(username="vera")
ToolPermission.objects.filter(owner=vera).delete()
chat, gone = lifecycle.start(vera, title="A <b>chat</b>"), lifecycle.start(vera)
for name, session in {rows}:
    ToolPermission.objects.create(owner=vera, tool_name=name, session=session)
lifecycle.delete(gone.pk)
"""
PHONE: ViewportSize = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """The model, which calls what the test says."""
    with ModelServer(says("Hello.")) as running:
        running.titles = says("A chat")
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Iterator[House]:
    """An installation with an MCP server of its operator."""
    folder = tmp_path_factory.mktemp("permissions")
    config = folder / "mcp.json"
    probe = {"command": sys.executable, "args": [str(SERVER), "stdio"]}
    config.write_text(json.dumps({"mcpServers": {"probe": probe}}))
    with House(
        folder / "var",
        MCPCHAT_MODEL="openai:model-a",
        OPENAI_BASE_URL=model.url,
        OPENAI_API_KEY="key-1",
        MCPCHAT_MCP_CONFIG=str(config),
    ) as running:
        yield running


@pytest.fixture(scope="module")
def vera(house: House) -> Person:
    """A user, for whom the server's tools are there."""
    vera = house.user("vera")

    def offered() -> bool:
        return any(tool["name"] == "probe__wait" for tool in vera.http.get("/api/tools/").json())

    wait_for("the tools of the server are listed", offered)
    return vera


@pytest.fixture(scope="module")
def veras_browser(browser: Browser, house: House, vera: Person) -> Iterator[BrowserContext]:
    """Her browser."""
    context = logged_in(browser, house, house.manage("login_link", "vera").splitlines()[-1])
    yield context
    context.close()


@pytest.fixture
def page(veras_browser: BrowserContext, house: House) -> Iterator[Page]:
    """A new chat; errors of its scripts fail the test."""
    page = veras_browser.new_page()
    errors = errors_of(page)
    page.goto(house.url)
    yield page
    page.close()
    assert [error for error in errors if "Failed to load resource" not in error] == []


def _allowed(house: House, rows: str) -> None:
    house.manage("shell", "-c", SEED.format(rows=rows))


def _opened(page: Page) -> Locator:
    """Open the dialog with the mouse."""
    page.get_by_test_id("account-menu").click()
    page.get_by_test_id("permissions-open").click()
    dialog = page.get_by_role("dialog", name="Allowed tools")
    expect(dialog).to_be_visible()
    return dialog


def _asks_for_wait(page: Page, model: ModelServer) -> None:
    model.then(calls(("c1", "probe__wait", '{"seconds": 0.1}')), says("There it is."))
    say(page, "Go")


def test_what_is_always_allowed_is_listed_and_once_taken_back_asked_for_again(
    page: Page, house: House, model: ModelServer
) -> None:
    _allowed(house, "[]")
    _asks_for_wait(page, model)
    page.get_by_test_id("approval-always").click(timeout=15_000)
    answers = page.get_by_test_id("message-assistant")
    expect(answers).to_contain_text("There it is.", timeout=15_000)
    _asks_for_wait(page, model)
    expect(answers).to_have_count(2, timeout=15_000)
    expect(answers.last).to_contain_text("There it is.", timeout=15_000)
    expect(page.get_by_test_id("approval-card")).to_have_count(1)
    dialog = _opened(page)
    item = dialog.get_by_test_id("permission-item")
    expect(item).to_contain_text("probe__wait")
    expect(item).to_contain_text("Always, in every chat")
    dialog.get_by_role("button", name="Take back probe__wait, always allowed").click()
    expect(dialog.get_by_role("status")).to_contain_text("probe__wait was taken back")
    expect(dialog.get_by_test_id("permissions-empty")).to_be_visible()
    page.keyboard.press("Escape")
    _asks_for_wait(page, model)
    expect(page.get_by_test_id("approval-once")).to_have_count(2, timeout=15_000)
    page.get_by_test_id("approval-once").last.click()
    expect(answers).to_have_count(3, timeout=15_000)


def test_the_dialog_is_used_with_keys_alone_and_gives_the_focus_back(page: Page, house: House) -> None:
    _allowed(house, '[("probe__wait", None), ("probe__pid", chat), ("probe__add", gone)]')
    page.get_by_test_id("account-menu").focus()
    page.keyboard.press("Enter")
    entry = page.get_by_test_id("permissions-open")
    for _ in range(10):
        page.keyboard.press("Tab")
        if entry.evaluate("item => item === document.activeElement"):
            break
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Allowed tools")
    expect(dialog).to_have_accessible_description(re.compile("Take one back, and it asks again"))
    items = dialog.get_by_test_id("permission-item")
    expect(items).to_have_count(2)
    expect(items.filter(has_text="probe__pid")).to_contain_text("In the chat A <b>chat</b>")
    expect(items.filter(has_text="probe__pid").get_by_role("link")).to_have_attribute(
        "href", re.compile("^/sessions/[0-9a-f-]{36}/$")
    )
    first = items.first.get_by_test_id("permission-take-back")
    for _ in range(4):
        page.keyboard.press("Tab")
        if first.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(items).to_have_count(1)
    expect(items.get_by_test_id("permission-take-back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("permissions-empty")).to_be_visible()
    expect(dialog.get_by_test_id("permissions-close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("account-menu")).to_be_focused()


def test_what_fails_is_told_and_can_be_tried_again(page: Page, house: House) -> None:
    _allowed(house, '[("probe__wait", None)]')
    page.route("**/api/tool-permissions/**", lambda route: route.abort())
    dialog = _opened(page)
    trouble = dialog.get_by_role("alert")
    expect(trouble).to_contain_text("The server cannot be reached.")
    expect(dialog.get_by_test_id("permissions-empty")).to_be_hidden()
    page.unroute("**/api/tool-permissions/**")
    dialog.get_by_test_id("permissions-retry").click()
    item = dialog.get_by_test_id("permission-item")
    expect(item).to_have_count(1)
    expect(trouble).to_be_hidden()
    page.route("**/api/tool-permissions/*/", lambda route: route.fulfill(status=401, body="{}"))
    item.get_by_test_id("permission-take-back").click()
    expect(trouble).to_contain_text("probe__wait was not taken back. You are not logged in any more.")
    expect(trouble.get_by_role("link", name="Log in")).to_be_visible()
    page.unroute("**/api/tool-permissions/*/")
    item.get_by_test_id("permission-take-back").click()
    expect(item).to_have_count(0)


def test_what_another_page_took_back_leaves_the_list_without_a_fuss(page: Page, house: House) -> None:
    _allowed(house, '[("probe__wait", None)]')
    dialog = _opened(page)
    expect(dialog.get_by_test_id("permission-item")).to_have_count(1)
    _allowed(house, "[]")
    dialog.get_by_test_id("permission-take-back").click()
    expect(dialog.get_by_test_id("permissions-empty")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_be_hidden()


def test_a_long_list_of_long_names_fits_a_phone_on_every_page(page: Page, house: House) -> None:
    _allowed(house, '[("probe__" + "wait_for_" * 8 + str(number), None) for number in range(120)]')
    page.set_viewport_size(PHONE)
    page.goto(f"{house.url}/account/")
    dialog = _opened(page)
    items = dialog.get_by_test_id("permission-item")
    expect(items).to_have_count(100)
    dialog.get_by_role("button", name="Show more").click()
    expect(items).to_have_count(120)
    expect(items.nth(100).get_by_role("button")).to_be_focused()
    expect(dialog.get_by_role("button", name="Show more")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    box = items.nth(100).get_by_role("button").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= PHONE["width"]
    assert box["height"] >= 44
