"""Real providers in the chat: picked in the page, busy, down and cut off, with what to do about it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.house import House, Person, wait_for
from tests.agents.model_server import Cut, Fails, ModelServer, calls, says
from tests.browser import browser, logged_in

__all__ = ["browser"]


@pytest.fixture(scope="module")
def provider() -> Iterator[ModelServer]:
    """A server with an OpenAI-compatible API."""
    with ModelServer(says("Hello ", "from ", "**far**.")) as running:
        running.titles = says("A chat")
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: ModelServer) -> Iterator[House]:
    """An installation whose models are the provider's."""
    folder = tmp_path_factory.mktemp("models") / "var"
    with House(
        folder, MCPCHAT_MODEL="openai:model-a", OPENAI_BASE_URL=provider.url, OPENAI_API_KEY="key-1"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def mia(house: House) -> Person:
    """A user."""
    return house.user("mia")


@pytest.fixture(scope="module")
def mias_browser(browser: Browser, house: House, mia: Person) -> Iterator[BrowserContext]:
    """Her browser."""
    context = logged_in(browser, house, house.manage("login_link", "mia").splitlines()[-1])
    yield context
    context.close()


@pytest.fixture
def page(mias_browser: BrowserContext, house: House) -> Iterator[Page]:
    """A new chat; errors of its scripts fail the test."""
    page = mias_browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(house.url)
    yield page
    page.close()
    assert errors == []


def _say(page: Page, text: str = "Hello") -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")


def _pick(page: Page, name: str) -> None:
    page.get_by_test_id("model-picker").click()
    page.locator(f"[data-testid=model-item][data-model='{name}']").click()


def test_a_model_picked_for_a_new_chat_answers_in_it_and_another_one_later(
    page: Page, mia: Person, provider: ModelServer
) -> None:
    listed = "the models are listed"
    wait_for(listed, lambda: len(mia.http.get("/api/models/").json()) == 2)
    provider.then(says("Hello ", "from ", "**far**."))
    _pick(page, "openai:model-b")
    expect(page.get_by_test_id("model-picker")).to_have_text("model-b")
    _say(page)
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("Hello from far.", timeout=15_000)
    assert provider.asked[-1]["model"] == "model-b"
    _pick(page, "openai:model-a")
    expect(page.get_by_test_id("model-picker")).to_have_text("model-a")
    _say(page, "Again")
    expect(page.get_by_test_id("message-assistant")).to_have_count(2, timeout=15_000)
    assert provider.asked[-1]["model"] == "model-a"
    page.reload()
    expect(page.get_by_test_id("model-picker")).to_have_text("model-a")


def test_a_busy_provider_is_waited_for_and_the_page_says_so(page: Page, provider: ModelServer) -> None:
    provider.then(Fails(429, "slow down", retry_after="6"), says("Now."))
    _say(page)
    activity = page.get_by_test_id("activity")
    expect(activity).to_have_text(re.compile(r"The model is busy\. Asking again in \d s…"), timeout=10_000)
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Now.", timeout=15_000)


def test_a_page_that_opens_during_the_wait_tells_of_it_too(page: Page, provider: ModelServer) -> None:
    provider.then(Fails(429, "slow down", retry_after="50"))
    _say(page)
    activity = page.get_by_test_id("activity")
    expect(activity).to_contain_text("Asking again in", timeout=10_000)
    page.reload()
    expect(activity).to_contain_text("Asking again in", timeout=10_000)
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("stop")).to_be_hidden(timeout=2_000)


def test_a_wait_for_a_busy_provider_can_be_stopped(page: Page, provider: ModelServer) -> None:
    provider.then(Fails(429, "slow down", retry_after="50"))
    _say(page)
    expect(page.get_by_test_id("activity")).to_contain_text("Asking again in", timeout=10_000)
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("stop")).to_be_hidden(timeout=2_000)


def test_a_refused_key_is_told_with_who_can_mend_it(page: Page, provider: ModelServer) -> None:
    provider.then(Fails(401, "Incorrect API key provided: sk-12345678"))
    _say(page)
    notice = page.get_by_test_id("turn-notice")
    expect(notice).to_contain_text("refused the key", timeout=10_000)
    expect(notice).to_contain_text("operator")
    expect(notice).not_to_contain_text("12345678")


def test_a_stream_that_breaks_keeps_its_text_above_what_happened(page: Page, provider: ModelServer) -> None:
    provider.then(Cut(says("It is ", "sev")[:2]))
    _say(page)
    expect(page.get_by_test_id("turn-notice")).to_contain_text("broke off", timeout=10_000)
    expect(page.get_by_test_id("message-assistant")).to_contain_text("It is sev")


def test_an_operators_provider_is_listed_in_a_few_seconds_and_can_be_switched_off(
    browser: Browser, house: House, mia: Person, provider: ModelServer
) -> None:
    context = logged_in(browser, house, house.link)
    page = context.new_page()
    page.goto(f"{house.url}/admin/agents_app/modelprovider/add/")
    page.get_by_label("Name").fill("lab")
    page.get_by_label("Kind").select_option("openai")
    page.get_by_label("Base url").fill(provider.url)
    page.get_by_role("button", name="Save", exact=True).click()

    def offered() -> list[str]:
        return [model["name"] for model in mia.http.get("/api/models/").json()]

    wait_for("its models are listed", lambda: "lab:model-a" in offered())
    page.goto(f"{house.url}/admin/agents_app/modelprovider/lab/change/")
    page.get_by_label("Enabled").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    wait_for("they are gone", lambda: "lab:model-a" not in offered())
    context.close()


ASKED = calls(("c1", "probe_asked", '{"text": "hey"}'))


def test_a_call_is_allowed_in_the_chat_with_other_arguments(page: Page, provider: ModelServer) -> None:
    provider.then(ASKED, says("It is done."))
    _say(page)
    card = page.get_by_test_id("approval-card")
    expect(card).to_contain_text("Waits for you", timeout=10_000)
    expect(card).to_contain_text("hey")
    card.get_by_test_id("approval-edit").click()
    card.get_by_test_id("approval-args").fill('{"text": ')
    card.get_by_test_id("approval-once").click()
    expect(card).to_contain_text("This is not JSON")
    card.get_by_test_id("approval-args").fill('{"text": "ho"}')
    card.get_by_test_id("approval-once").click()
    expect(card).to_contain_text("Allowed once, with changed arguments", timeout=10_000)
    expect(page.get_by_test_id("message-assistant")).to_contain_text("It is done.", timeout=10_000)
    expect(page.get_by_test_id("tool-card")).to_have_attribute("data-state", "succeeded")


def test_a_refused_call_is_told_to_the_model_with_the_reason(page: Page, provider: ModelServer) -> None:
    provider.then(ASKED, says("I see."))
    _say(page)
    card = page.get_by_test_id("approval-card")
    card.get_by_test_id("approval-refuse").click(timeout=10_000)
    card.get_by_test_id("approval-reason").fill("Not on Mondays.")
    card.get_by_test_id("approval-reason").press("Enter")
    expect(page.get_by_test_id("message-assistant")).to_contain_text("I see.", timeout=10_000)
    assert "Not on Mondays." in str(provider.asked[-1]["messages"][-1])


def test_what_waits_for_a_word_can_be_stopped(page: Page, provider: ModelServer) -> None:
    provider.then(ASKED, says("Never said."))
    _say(page)
    expect(page.get_by_test_id("approval-card")).to_be_visible(timeout=10_000)
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("approval-outcome")).to_contain_text("the answer ended", timeout=2_000)


def test_an_approval_waits_over_a_restart_of_everything(tmp_path: Path, provider: ModelServer) -> None:
    provider.then(ASKED, says("It is done."))
    environment = {
        "MCPCHAT_MODEL": "openai:model-a",
        "OPENAI_BASE_URL": provider.url,
        "OPENAI_API_KEY": "key-1",
    }
    with House(tmp_path / "var", **environment) as running:
        ida = running.user("ida")
        session = ida.session()
        ida.say(session, "Hello")

        def turn() -> str:
            return str((ida.snapshot(session)["turn"] or {}).get("state"))

        wait_for("the turn waits", lambda: turn() == "awaiting_approval")
        running.stop()
        running.start()
        assert turn() == "awaiting_approval"
        address = f"/api/approvals/{ida.snapshot(session)['approvals'][0]['approval_id']}/"
        assert ida.http.post(address, json={"allow": True}).json()["state"] == "allowed"
        ended = ida.quiet(session)
        assert ended["messages"][-1]["content"] == "It is done."
        assert ended["tool_calls"][0]["state"] == "succeeded"
