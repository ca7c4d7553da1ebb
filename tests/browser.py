"""The browser of the tests: Chromium, driven by Playwright."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.installation import Installation

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; without one these tests are skipped, unless MCPCHAT_REQUIRE_BROWSER forbids it."""
    if not CHROMIUM:
        if os.environ.get("MCPCHAT_REQUIRE_BROWSER"):
            pytest.fail("MCPCHAT_REQUIRE_BROWSER is set and there is no Chromium on the PATH")
        pytest.skip("no Chromium on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def logged_in(browser: Browser, house: Installation, link: str) -> BrowserContext:
    """Return a context of the browser that logged in by a one-time link."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(re.sub(r"http://[^/]+", house.url, link))
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    page.close()
    return context


def errors_of(page: Page) -> list[str]:
    """Return a list that fills with the errors of a page's scripts and console."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    return errors


def unexpected(errors: list[str]) -> list[str]:
    """Return the errors that do not tell of a lost connection, which Chromium logs as errors."""
    lost = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INTERNET_DISCONNECTED", "ERR_SOCKET", "WebSocket")
    return [error for error in errors if not any(word in error for word in lost)]


def say(page: Page, text: str) -> None:
    """Write a message and send it."""
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Enter")
