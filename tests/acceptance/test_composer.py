"""The composer completes while one types, and what is named is put into the message."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from tests.acceptance.house import House, Person, wait_for
from tests.agents.model_server import ModelServer, says
from tests.browser import browser, errors_of, logged_in, unexpected
from tests.installation import ROOT

__all__ = ["browser"]
SERVER = ROOT / "tests" / "mcp" / "servers" / "sdk.py"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """The model, which says little."""
    with ModelServer(says("Seen.")) as running:
        running.titles = says("A chat")
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, model: ModelServer) -> Iterator[House]:
    """An installation with a real MCP server."""
    folder: Path = tmp_path_factory.mktemp("composer")
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
def cora(house: House) -> Person:
    """A user, for whom the server's resources are there."""
    cora = house.user("cora")
    wait_for("the resources are listed", lambda: cora.http.get("/api/mcp/offers/").json()["resources"])
    return cora


@pytest.fixture(scope="module")
def coras_browser(browser: Browser, house: House, cora: Person) -> Iterator[BrowserContext]:
    """Her browser."""
    context = logged_in(browser, house, house.manage("login_link", "cora").splitlines()[-1])
    yield context
    context.close()


@pytest.fixture
def page(coras_browser: BrowserContext, house: House, model: ModelServer) -> Iterator[Page]:
    """A new chat; errors of its scripts fail the test."""
    model.asked.clear()
    page = coras_browser.new_page()
    errors = errors_of(page)
    page.goto(house.url)
    yield page
    page.close()
    assert unexpected(errors) == []


def _type(page: Page, text: str) -> None:
    page.get_by_test_id("composer").press_sequentially(text)


def _written(page: Page) -> str:
    return page.get_by_test_id("composer").input_value()


def _options(page: Page) -> Locator:
    return page.get_by_test_id("completion-option")


def _active(page: Page) -> Locator:
    return page.locator("[data-testid=completion-option][aria-selected=true]")


def test_a_slash_lists_commands_and_prompts_and_typing_filters_them(page: Page) -> None:
    _type(page, "/")
    expect(_options(page).first).to_contain_text("/help")
    expect(_options(page).last).to_contain_text("/probe:")
    _type(page, "mod")
    expect(_active(page)).to_contain_text("/model NAME")
    _type(page, "nosuch")
    expect(page.get_by_test_id("completion")).to_be_hidden()


def test_the_list_is_a_listbox_of_the_field(page: Page) -> None:
    field = page.get_by_role("combobox", name="Message")
    expect(field).to_have_attribute("aria-expanded", "false")
    _type(page, "/")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_visible()
    first = _active(page).get_attribute("id")
    field.press("ArrowDown")
    assert _active(page).get_attribute("id") != first
    expect(field).to_have_attribute("aria-activedescendant", _active(page).get_attribute("id") or "")
    expect(_active(page)).to_have_count(1)
    field.press("ArrowUp")
    field.press("ArrowUp")
    expect(_active(page)).to_contain_text("/probe:")


def test_escape_closes_the_list_until_something_else_is_begun(page: Page) -> None:
    _type(page, "/")
    expect(_options(page).first).to_be_visible()
    page.keyboard.press("Escape")
    _type(page, "ex")
    expect(page.get_by_test_id("completion")).to_be_hidden()
    page.get_by_test_id("composer").fill("")
    _type(page, "/ex")
    expect(_active(page)).to_contain_text("/export")


@pytest.mark.parametrize("key", ["Enter", "Tab"])
def test_a_key_takes_and_what_follows_is_completed_too(page: Page, key: str) -> None:
    _type(page, "/ex")
    expect(_active(page)).to_contain_text("/export")
    page.keyboard.press(key)
    expect(_options(page).first).to_contain_text("PDF")
    _type(page, "j")
    expect(_active(page)).to_contain_text("json")
    page.keyboard.press(key)
    assert _written(page) == "/export json"


def test_a_command_that_is_written_out_is_sent(page: Page) -> None:
    _type(page, "/help")
    expect(_active(page)).to_contain_text("/help")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Commands, which no model")


def test_names_of_tools_and_models_are_completed(page: Page) -> None:
    _type(page, "/run probe__ad")
    expect(_active(page)).to_contain_text("probe__add")
    page.keyboard.press("Tab")
    assert _written(page) == "/run probe__add "
    page.get_by_test_id("composer").fill("")
    _type(page, "/model model-")
    expect(_options(page)).to_have_count(2)


def test_a_resource_that_is_taken_is_read_for_the_model(page: Page, model: ModelServer) -> None:
    _type(page, "What is in @te")
    expect(_active(page)).to_contain_text("@probe:probe://text")
    _active(page).click()
    expect(page.get_by_test_id("composer")).to_be_focused()
    assert _written(page) == "What is in @probe:probe://text "
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Seen.", timeout=15_000)
    card = page.get_by_test_id("tool-card")
    expect(card).to_have_attribute("data-state", "succeeded")
    expect(card).to_contain_text("Read resource")
    told = str(model.asked[-1]["messages"])
    assert '<resource server="probe" uri="probe://text"' in told
    assert "hello" in told


def test_a_template_is_put_up_to_what_is_to_be_filled_in_and_read(page: Page, model: ModelServer) -> None:
    _type(page, "@items")
    expect(_active(page)).to_contain_text("{name}")
    page.keyboard.press("Enter")
    assert _written(page) == "@probe:probe://items/"
    _type(page, "nine")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Seen.", timeout=15_000)
    assert "item nine" in str(model.asked[-1]["messages"])


def test_an_address_of_mail_opens_no_list(page: Page) -> None:
    _type(page, "write to ann@te")
    expect(page.get_by_test_id("completion")).to_be_hidden()


def test_a_resource_that_cannot_be_read_fails_in_its_card_alone(page: Page, model: ModelServer) -> None:
    _type(page, "@probe:probe://nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Seen.", timeout=15_000)
    expect(page.get_by_test_id("tool-card")).to_have_attribute("data-state", "failed")
    assert "It could not be read" in str(model.asked[-1]["messages"])


def test_a_prompt_is_filled_in_and_put_into_the_message(page: Page) -> None:
    _type(page, "/gre")
    expect(_active(page)).to_contain_text("/probe:greet name")
    page.keyboard.press("Enter")
    dialog = page.get_by_test_id("prompt-dialog")
    expect(dialog).to_contain_text("required")
    expect(page.get_by_test_id("prompt-argument")).to_be_focused()
    page.get_by_test_id("prompt-insert").click()
    expect(dialog).to_be_visible()  # what is required is missing
    page.get_by_test_id("prompt-argument").fill("Ann")
    page.get_by_test_id("prompt-insert").click()
    expect(page.get_by_test_id("composer")).to_have_value("Say hello to Ann.", timeout=15_000)
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile("/sessions/"))
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Seen.", timeout=15_000)


def test_a_prompt_without_arguments_is_put_at_once(page: Page) -> None:
    _type(page, "/fare")
    expect(_active(page)).to_contain_text("/probe:farewell")
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("composer")).to_have_value("Say goodbye.", timeout=15_000)
    expect(page.get_by_test_id("prompt-dialog")).to_be_hidden()


def test_a_program_gets_a_prompt_by_the_same_door(cora: Person) -> None:
    body = {
        "session_id": cora.session(),
        "args": {"server": "probe", "name": "greet", "arguments": {"name": "x" * 9000}},
    }
    done = cora.http.post("/api/tools/get_prompt/execute/?wait=15", json=body).raise_for_status().json()
    assert done["result"]["data"]["text"] == f"Say hello to {'x' * 9000}."


def test_a_prompt_that_is_not_written_says_why_in_the_dialog(
    page: Page, coras_browser: BrowserContext
) -> None:
    failed = {"call_id": "1", "state": "failed", "error": {"code": "mcp_error", "message": "Not today."}}
    page.route("**/api/tools/get_prompt/**", lambda route: route.fulfill(json=failed))
    _type(page, "/gre")
    expect(_active(page)).to_contain_text("/probe:greet name")
    page.keyboard.press("Enter")
    page.get_by_test_id("prompt-argument").fill("Ann")
    page.get_by_test_id("prompt-insert").click()
    expect(page.get_by_test_id("prompt-error")).to_have_text("Not today. (mcp_error)")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("prompt-dialog")).to_be_hidden()
    assert _written(page) == "/gre"


def test_what_servers_say_is_text(page: Page) -> None:
    evil = "<img src=x onerror=alert(1)>"
    offers = {
        "resources": [
            {"server": "s", "uri": f"a:{evil}", "uri_template": "", "name": evil, "title": "",
             "description": evil, "mime_type": ""}
        ],
        "prompts": [],
        "left_out": 0,
    }  # fmt: skip
    page.route("**/api/mcp/offers/", lambda route: route.fulfill(json=offers))
    page.reload()
    _type(page, "@")
    expect(_options(page)).to_contain_text(evil)
    expect(page.locator("#completion img")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_fits_a_phone(coras_browser: BrowserContext, house: House, scheme: str) -> None:
    page = coras_browser.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(house.url)
    page.get_by_test_id("composer").click()
    _type(page, "/")
    expect(_options(page).first).to_be_visible()
    box = page.get_by_test_id("completion").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] >= 0
    field = page.get_by_test_id("composer").bounding_box()
    assert field is not None
    assert box["y"] + box["height"] <= field["y"]
    page.close()


def test_what_is_taken_replaces_all_that_was_typed_for_it(page: Page) -> None:
    _type(page, "say @probe:probe://t")
    expect(_active(page)).to_contain_text("@probe:probe://text")
    field = page.get_by_test_id("composer")
    field.press("ArrowLeft")
    expect(_active(page)).to_be_visible()
    field.press("Enter")
    assert _written(page) == "say @probe:probe://text "


def test_what_is_typed_before_the_scripts_are_there_stays(
    coras_browser: BrowserContext, house: House
) -> None:
    page = coras_browser.new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/js/drafts.js", hold)
    page.goto(house.url, wait_until="commit")
    field = page.get_by_test_id("composer")
    field.fill("Typed early")
    wait_for("the script is asked for", lambda: page.evaluate("1") and held)
    for route in held:
        route.continue_()
    expect(page.get_by_test_id("send")).to_be_enabled()
    expect(field).to_have_value("Typed early")
    field.press("Enter")
    expect(page.get_by_test_id("message-user")).to_contain_text("Typed early")
    page.close()
