"""The page's own modules in a real browser, without a server."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser import browser
from tests.installation import ROOT

__all__ = ["browser"]
SITE = "http://page.test"
MODULES = ROOT / "sessions_app" / "static" / "sessions_app" / "js"


def _serve(route: Route) -> None:
    name = route.request.url.removeprefix(f"{SITE}/")
    if name.endswith(".js"):
        route.fulfill(path=MODULES / name, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>A page</title>", content_type="text/html")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that can import the modules; its time stands still until it is told to run."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/*", _serve)
    page.clock.install()
    page.goto(f"{SITE}/")
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    yield page
    context.close()
    assert errors == []
