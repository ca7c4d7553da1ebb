"""In a browser: a message is edited, an answer made again, and the earlier version gone back to."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.chat_pages import Chat


def _says(page: Page, *words: str) -> None:
    shown = page.get_by_test_id("message-user")
    expect(shown).to_have_count(len(words), timeout=10_000)
    for place, text in enumerate(words):
        expect(shown.nth(place).locator(".bubble")).to_have_text(text)


def _seen(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name).locator("visible=true")


def _at_rest(page: Page) -> None:
    expect(page.get_by_test_id("stop")).to_be_hidden(timeout=15_000)
    expect(page.get_by_test_id("message-assistant").last).to_have_attribute(
        "data-state", "complete", timeout=15_000
    )
    expect(page.get_by_test_id("message-retry").last).not_to_have_attribute("hidden", re.compile(".*"))


def test_a_message_is_edited_in_its_place_and_the_earlier_one_gone_back_to(chat: Chat, page: Page) -> None:
    chat.say("what can you do")
    _at_rest(page)
    _says(page, "hello", "what can you do")
    mine = page.get_by_test_id("message-user").last
    mine.hover()
    mine.get_by_test_id("message-edit").click()
    expect(mine.get_by_test_id("edit-field")).to_have_value("what can you do")
    page.keyboard.type(" here")
    page.keyboard.press("Enter")
    _says(page, "hello", "what can you do here")
    expect(_seen(page, "version-count")).to_have_text("2/2")
    _at_rest(page)
    _seen(page, "version-previous").click()
    _says(page, "hello", "what can you do")
    expect(_seen(page, "version-count")).to_have_text("1/2")
    expect(page.get_by_test_id("message-assistant")).to_have_count(2)
    page.reload()
    _says(page, "hello", "what can you do")


def test_an_edit_is_given_up_with_escape(page: Page) -> None:
    _at_rest(page)
    mine = page.get_by_test_id("message-user").last
    mine.hover()
    mine.get_by_test_id("message-edit").click()
    page.keyboard.press("Escape")
    expect(mine.get_by_test_id("edit-field")).to_be_hidden()
    expect(mine.get_by_test_id("message-edit")).to_be_focused()
    _says(page, "hello")


def test_an_answer_is_made_again_and_both_are_reached_by_the_arrow_keys(page: Page) -> None:
    _at_rest(page)
    first = page.get_by_test_id("message-assistant").get_attribute("data-message-id")
    page.get_by_test_id("message-assistant").hover()
    page.get_by_test_id("message-retry").click()
    expect(_seen(page, "version-count")).to_have_text("2/2", timeout=10_000)
    _says(page, "hello")
    _at_rest(page)
    _seen(page, "version-previous").focus()
    page.keyboard.press("ArrowLeft")
    expect(_seen(page, "version-count")).to_have_text("1/2")
    expect(page.get_by_test_id("message-assistant")).to_have_attribute("data-message-id", str(first))
