"""A chat in pages of a browser, and how to tell whether one shows it right."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.acceptance.house import House, Person, wait_for

SHOWN = """() => ({
  title: document.querySelector("[data-testid=session-title]").innerText,
  entries: [...document.querySelectorAll(".timeline-items > *")].map((entry) =>
    [entry.dataset.testid, entry.dataset.state, entry.dataset.messageId, entry.innerText]),
  activity: document.querySelector("[data-testid=activity]").checkVisibility(),
  working: document.querySelector("[data-testid=agents-running]").checkVisibility(),
  stoppable: document.querySelector("[data-testid=stop]").checkVisibility(),
  connection: document.querySelector("[data-testid=connection]").dataset.state,
})"""


@dataclass
class Chat:
    """A session of erin's, and pages that show it."""

    house: House
    context: BrowserContext
    erin: Person
    id: str

    def open(self, port: int | None = None) -> Page:
        """Return a page that shows it live, over the cable with that port."""
        page = self.context.new_page()
        page.goto(f"http://127.0.0.1:{port or self.house.port}/sessions/{self.id}/")
        live(page)
        return page

    def say(self, text: str = "what can you do") -> None:
        """Post a message by REST."""
        self.erin.say(self.id, text)

    def at_work(self, page: Page) -> str:
        """Start a subagent and an answer, and return the subagent's id once the page shows both."""
        subagent_id = str(self.erin.call(self.id, "probe", seconds=4)["subagent_id"])
        self.erin.running(subagent_id)
        expect(card(page, "running")).to_be_visible(timeout=10_000)
        self.say()
        expect(answer(page, "streaming")).to_be_visible(timeout=10_000)
        return subagent_id

    def at_rest(self, subagent_id: str) -> None:
        """Wait until nothing works any more."""
        assert self.erin.ended(subagent_id)["state"] == "succeeded"
        told = "the result is told"
        wait_for(told, lambda: self._has_result(subagent_id))
        self.erin.quiet(self.id)

    def _has_result(self, subagent_id: str) -> bool:
        messages = self.erin.snapshot(self.id)["messages"]
        return any(message["subagent_id"] == subagent_id for message in messages)

    def fresh(self) -> dict[str, Any]:
        """Return what a page that has never been cut off shows."""
        page = self.open()
        try:
            return shown(page)
        finally:
            page.close()

    def assert_right(self, page: Page) -> None:
        """Fail unless the page shows, in a few seconds, exactly what a fresh one does."""
        live(page)
        fresh = self.fresh()
        assert fresh["entries"]
        soon(lambda: shown(page) == fresh)
        assert shown(page) == fresh

    def user_messages(self) -> list[str]:
        """Return what the server was told."""
        messages = self.erin.snapshot(self.id)["messages"]
        return [message["content"] for message in messages if message["role"] == "user"]


def document(title: str, *contents: str) -> dict[str, Any]:
    """Return an exported chat in which a user and the agent say these things in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": text} for place, text in enumerate(contents)]
    return {
        "schema_version": 2,
        "session": {"title": title},
        "messages": messages,
        "tool_calls": [],
        "subagents": [],
    }


def imported(person: Person, title: str) -> str:
    """Return the id of a new chat of somebody's with four messages."""
    chat = document(title, "one of whales", "two of krill", "three of ships", "four of nets")
    return str(person.http.post("/api/sessions/import/", json=chat).raise_for_status().json()["id"])


def shown(page: Page) -> dict[str, Any]:
    """Return what a page shows of its chat, in words and states."""
    return dict(page.evaluate(SHOWN))


def soon(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition holds within some seconds."""
    try:
        return bool(wait_for("it is so", condition, seconds))
    except AssertionError:
        return False


def live(page: Page) -> None:
    """Wait until the page is connected."""
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=20_000)


def lost(page: Page) -> None:
    """Wait until the page knows that it is not."""
    expect(page.get_by_test_id("connection")).to_have_attribute(
        "data-state", re.compile("reconnecting|offline"), timeout=20_000
    )


def card(page: Page, state: str) -> Locator:
    """Return the cards of subagents in a state."""
    return page.locator(f"[data-testid=subagent-card][data-state={state}]")


def answer(page: Page, state: str) -> Locator:
    """Return the last answer in a state."""
    return page.locator(f"[data-testid=message-assistant][data-state={state}]").last
