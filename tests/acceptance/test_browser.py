"""A person in a browser: the same story by clicks and keys."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.house import House, wait_for
from tests.browser import errors_of, logged_in, say, unexpected
from tests.git_server import GitServer


@pytest.fixture(scope="module")
def dora(browser: Browser, house: House) -> Iterator[BrowserContext]:
    """A browser that logged in by a one-time link."""
    context = logged_in(browser, house, house.manage("create_user", "dora").splitlines()[-1])
    yield context
    context.close()


@pytest.fixture
def page(dora: BrowserContext, house: House) -> Iterator[Page]:
    """A fresh page; errors on its console fail the test."""
    page = dora.new_page()
    errors = errors_of(page)
    page.goto(house.url)
    yield page
    page.close()
    assert unexpected(errors) == []


def test_analysis_is_watched_read_and_kept(page: Page, git_server: GitServer) -> None:
    say(page, f"Please analyze {git_server.url('sample')}")
    card = page.get_by_test_id("subagent-card")
    expect(card).to_be_visible(timeout=10_000)
    expect(card).to_have_attribute("data-state", "succeeded", timeout=60_000)
    expect(page.get_by_test_id("report")).to_contain_text("Python")
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("Finished.", timeout=10_000)
    page.get_by_test_id("export-menu").click()
    page.get_by_test_id("export-json").click()
    with page.expect_download() as download:
        page.get_by_test_id("export-download").click(timeout=15_000)
    assert download.value.suggested_filename.endswith(".json")
    page.reload()
    expect(page.get_by_test_id("report")).to_contain_text("Python")
    expect(page.get_by_test_id("export-download")).to_be_visible()


def test_running_work_shows_its_progress_and_is_cancelled_by_a_click(
    page: Page, git_server: GitServer
) -> None:
    git_server.first_pack_bytes_sent.clear()
    git_server.bytes_per_second = 2000
    try:
        say(page, f"analyze {git_server.url('sample')}")
        card = page.get_by_test_id("subagent-card")
        expect(card).to_have_attribute("data-state", "running", timeout=10_000)
        expect(card.get_by_test_id("progress")).to_be_visible()
        assert git_server.first_pack_bytes_sent.wait(20)
        expect(card).to_contain_text("Cloning")
        card.get_by_test_id("subagent-cancel").click()
        expect(card).to_have_attribute("data-state", "cancelled", timeout=5_000)
        expect(card.get_by_test_id("subagent-retry")).to_be_visible()
    finally:
        git_server.bytes_per_second = None


def test_page_says_that_it_lost_the_server_and_catches_up_when_it_is_back(page: Page, house: House) -> None:
    say(page, "what can you do")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=10_000)
    house.kill("web")
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "reconnecting", timeout=5_000)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=20_000)
    answer = page.get_by_test_id("message-assistant").last
    expect(answer).to_contain_text("No language model is configured", timeout=15_000)
    assert page.get_by_test_id("message-assistant").count() == 1


def test_sessions_are_renamed_archived_and_restored(page: Page) -> None:
    say(page, "hello there")
    expect(page.get_by_test_id("message-assistant")).to_be_visible(timeout=10_000)
    item = page.get_by_test_id("session-item").first
    expect(item).to_contain_text("hello there")
    item.hover()
    page.locator(".session-more").first.click()
    page.get_by_test_id("session-menu").locator("[data-verb=rename]").click()
    page.get_by_test_id("title-field").fill("A better name")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("session-title")).to_contain_text("A better name")
    item.hover()
    page.locator(".session-more").first.click()
    page.get_by_test_id("session-menu").locator("[data-verb=archive]").click()
    expect(page.get_by_test_id("restore")).to_be_visible(timeout=5_000)
    page.get_by_test_id("restore").click()
    expect(page.get_by_test_id("composer")).to_be_enabled(timeout=5_000)


def test_hostile_text_stays_text(page: Page) -> None:
    say(
        page,
        "<img src=x onerror=\"document.title='owned'\"> **bold** <script>document.title='owned'</script>",
    )
    expect(page.get_by_test_id("message-user").last).to_contain_text("<script>")
    expect(page.get_by_test_id("message-assistant").last).to_be_visible(timeout=10_000)
    page.reload()
    expect(page.get_by_test_id("message-user").last).to_contain_text("<script>")
    assert page.title() != "owned"


def test_another_browser_of_another_user_does_not_find_the_session(
    browser: Browser, page: Page, house: House
) -> None:
    say(page, "my secret plan")
    expect(page.get_by_test_id("message-assistant")).to_be_visible(timeout=10_000)
    link = house.manage("create_user", "eve").splitlines()[-1]
    context = browser.new_context()
    other = context.new_page()
    other.goto(re.sub(r"http://[^/]+", house.url, link))
    other.get_by_role("button", name="Log in").click()
    expect(other.get_by_test_id("composer")).to_be_visible()
    assert other.get_by_test_id("session-item").count() == 0
    answer = other.goto(page.url)
    assert answer is not None
    assert answer.status == 404
    context.close()


def test_used_login_link_is_refused_with_what_to_do(browser: Browser, house: House) -> None:
    link = re.sub(r"http://[^/]+", house.url, house.manage("create_user", "finn").splitlines()[-1])
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    second = browser.new_context()
    other = second.new_page()
    other.goto(link)
    button = other.get_by_role("button", name="Log in")
    if wait_for("the page is there", other.title) and button.count():
        button.click()
    expect(other.locator("main")).to_contain_text("login_link")
    second.close()
    context.close()
