"""What is written while the server cannot be reached is not lost and not doubled."""

import json

from playwright.sync_api import Page, Route, expect

from tests.acceptance.chat_pages import Chat, lost
from tests.acceptance.house import House, wait_for
from tests.browser import say
from tests.cable import Cable


def test_what_is_sent_while_cut_off_goes_out_once_by_itself(page: Page, chat: Chat, cable: Cable) -> None:
    cable.refuse()
    lost(page)
    say(page, "first")
    say(page, "second")
    expect(page.get_by_test_id("send-retry")).to_have_count(2)
    page.get_by_test_id("composer").fill("third, not sent")
    cable.mend()
    expect(page.get_by_test_id("send-retry")).to_have_count(0, timeout=20_000)
    wait_for("the server has them", lambda: len(chat.user_messages()) == 3)
    chat.erin.quiet(chat.id)
    assert chat.user_messages() == ["hello", "first", "second"]
    expect(page.get_by_test_id("composer")).to_have_value("third, not sent")
    chat.assert_right(page)


def test_a_message_whose_answer_was_lost_is_not_doubled(page: Page, chat: Chat, cable: Cable) -> None:
    dropped: list[Route] = []

    def drop(route: Route) -> None:
        if not dropped:
            dropped.append(route)
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/messages/", drop)
    say(page, "only once")
    wait_for("the server has it", lambda: "only once" in chat.user_messages())
    chat.erin.quiet(chat.id)
    cable.refuse()
    lost(page)
    cable.mend()
    chat.assert_right(page)
    wait_for("the page holds it no more", lambda: page.evaluate("sessionStorage['mcpchat-outbox']") == "[]")
    assert dropped
    assert chat.user_messages() == ["hello", "only once"]
    chat.assert_right(page)


def test_what_waits_is_still_there_after_a_reload_and_in_another_chat(
    page: Page, chat: Chat, cable: Cable, house: House
) -> None:
    cable.refuse()
    lost(page)
    say(page, "kept through all")
    expect(page.get_by_test_id("send-retry")).to_be_visible()
    page.evaluate("history.pushState(null, '', '/'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.get_by_test_id("empty")).to_be_visible()
    waiting = json.loads(page.evaluate("sessionStorage['mcpchat-outbox']"))
    assert [entry["content"] for entry in waiting] == ["kept through all"]
    cable.mend()
    page.goto(f"http://127.0.0.1:{cable.port}/")
    wait_for("it is sent", lambda: chat.user_messages() == ["hello", "kept through all"])


def test_a_new_chat_begins_when_the_server_is_back(page: Page, chat: Chat, cable: Cable) -> None:
    page.goto(f"http://127.0.0.1:{cable.port}/")
    cable.refuse()
    say(page, "begin with this")
    expect(page.get_by_test_id("send-retry")).to_be_visible()
    say(page, "and then this")
    page.get_by_test_id("composer").fill("still writing")
    cable.mend()
    page.get_by_test_id("send-retry").first.click()
    page.wait_for_url("**/sessions/*/")
    chat.id = page.url.rstrip("/").rpartition("/")[2]
    wait_for("both are sent", lambda: chat.user_messages() == ["begin with this", "and then this"])
    expect(page.get_by_test_id("composer")).to_have_value("still writing")
    chat.erin.quiet(chat.id)
    chat.assert_right(page)


def test_what_is_refused_comes_back_into_the_composer(page: Page, chat: Chat) -> None:
    problem = json.dumps({"code": "message_too_long", "detail": "Too long."})
    page.route("**/messages/", lambda route: route.fulfill(status=400, body=problem))
    say(page, "too much")
    expect(page.get_by_test_id("composer")).to_have_value("too much")
    expect(page.get_by_test_id("composer-error")).to_have_text("Too long.")
    expect(page.get_by_test_id("message-user")).to_have_count(1)
