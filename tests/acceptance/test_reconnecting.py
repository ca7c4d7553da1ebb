"""What a page shows after its connection was lost is what a fresh page shows."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acceptance.chat_pages import Chat, live, lost, shown
from tests.acceptance.house import House, wait_for
from tests.browser import logged_in, say
from tests.cable import Cable

WATCH = """() => {
  window.seen = new Set();
  const growing = "[data-testid=message-assistant][data-state=streaming] .draft";
  const look = () => document.querySelectorAll(growing).forEach((draft) => seen.add(draft.textContent));
  const changes = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.getElementById("timeline"), changes);
}"""


def test_cut_off_until_all_is_over(page: Page, chat: Chat, cable: Cable) -> None:
    work = chat.at_work(page)
    cable.refuse()
    lost(page)
    chat.at_rest(work)
    assert shown(page)["entries"] != chat.fresh()["entries"]
    cable.mend()
    chat.assert_right(page)


def test_cut_off_again_and_again_no_word_of_an_answer_is_missing_or_doubled(
    page: Page, chat: Chat, cable: Cable
) -> None:
    page.evaluate(WATCH)
    work = chat.at_work(page)
    for _ in range(4):
        cable.refuse()
        lost(page)
        cable.mend()
        live(page)
    chat.at_rest(work)
    chat.assert_right(page)
    answers = [message["content"] for message in chat.erin.snapshot(chat.id)["messages"]]
    seen = page.evaluate("[...seen]")
    assert seen
    assert [text for text in seen if not any(answer.startswith(text) for answer in answers)] == []


def test_a_network_that_falls_silent_and_comes_back(page: Page, chat: Chat, cable: Cable) -> None:
    work = chat.at_work(page)
    cable.cut()
    chat.at_rest(work)
    cable.mend()
    chat.assert_right(page)


def test_wireless_off_and_on(page: Page, chat: Chat, cable: Cable, erins_browser: BrowserContext) -> None:
    work = chat.at_work(page)
    erins_browser.set_offline(True)
    cable.refuse()
    try:
        expect(page.get_by_test_id("connection-notice")).to_contain_text("You are offline", timeout=10_000)
        chat.at_rest(work)
    finally:
        cable.mend()
        erins_browser.set_offline(False)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live", timeout=3_000)
    chat.assert_right(page)


@pytest.mark.parametrize("name", ["web", "broker"])
def test_killed_process(page: Page, chat: Chat, house: House, name: str) -> None:
    work = chat.at_work(page)
    before = house.process_named(name)
    house.kill(name)
    wait_for(f"{name} is back", lambda: _pid(house, name) not in (None, before))
    wait_for("the installation answers", lambda: house.answers(2))
    chat.at_rest(work)
    chat.assert_right(page)


def _pid(house: House, name: str) -> int | None:
    try:
        return house.process_named(name)
    except StopIteration:
        return None


def test_two_tabs_of_which_one_is_cut_off(page: Page, chat: Chat, cable: Cable) -> None:
    other = chat.open()
    cable.refuse()
    lost(page)
    say(other, "what is running")
    expect(other.get_by_test_id("message-user")).to_have_count(2)
    chat.say("what can you do")
    chat.erin.quiet(chat.id)
    chat.assert_right(other)
    cable.mend()
    chat.assert_right(page)
    other.close()


def test_what_was_pruned_meanwhile_is_loaded_anew(page: Page, chat: Chat, cable: Cable, house: House) -> None:
    resets: list[str] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda text: resets.append(str(text))))
    cable.refuse()
    lost(page)
    for _ in range(2):
        chat.say("what is running")
        chat.erin.quiet(chat.id)
    chat.erin.http.patch(f"/api/sessions/{chat.id}/", json={"title": "Pruned"}).raise_for_status()
    last = chat.erin.snapshot(chat.id)["last_seq"]
    house.manage(
        "shell",
        "-c",
        "from sessions_app.models import Event;"
        f"print(Event.objects.filter(session_id='{chat.id}', seq__lt={last}).delete())",
    )
    cable.mend()
    chat.assert_right(page)
    assert any("feed.reset" in text for text in resets)
    expect(page.get_by_test_id("session-title")).to_have_text("Pruned")


def test_who_does_not_want_to_wait_tries_at_once(page: Page, chat: Chat, cable: Cable) -> None:
    cable.refuse()
    notice = page.get_by_test_id("connection-notice")
    expect(notice).to_contain_text(re.compile(r"Connection lost\. Trying again in \d+ s"), timeout=10_000)
    expect(notice).to_contain_text(re.compile(r"in [4-9] s"), timeout=20_000)
    cable.mend()
    page.get_by_test_id("connection-retry").click()
    expect(notice).to_contain_text("Connected again", timeout=2_000)
    expect(page.get_by_test_id("connection-spoken")).to_have_text("The connection is back.")
    expect(notice).to_be_hidden(timeout=4_000)


def test_a_short_cut_is_no_news(page: Page, chat: Chat, cable: Cable) -> None:
    page.evaluate("""window.shown = 0;
        new MutationObserver(() => shown += 1).observe(
            document.getElementById("connection-notice"), { attributes: true })""")
    cable.refuse()
    cable.mend()
    live(page)
    chat.say("what is running")
    chat.erin.quiet(chat.id)
    chat.assert_right(page)
    assert page.evaluate("shown") == 0


def test_the_monitor_says_how_its_feed_stands_and_hears_again(
    browser: Browser, chat: Chat, cable: Cable
) -> None:
    link = chat.house.manage("create_user", "otto", "--staff").splitlines()[-1]
    context = logged_in(browser, chat.house, link)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{cable.port}/admin/monitor/")
    connection = page.get_by_test_id("monitor-connection")
    expect(connection).to_have_text("Live", timeout=10_000)
    cable.refuse()
    expect(connection).to_contain_text("Connection lost. Trying again", timeout=10_000)
    cable.mend()
    expect(connection).to_have_text("Live", timeout=20_000)
    chat.erin.call(chat.id, "probe", seconds=7)  # the keeper looks every 5 s
    expect(page.get_by_test_id("happened")).to_contain_text("pool.status_changed", timeout=20_000)
    context.close()


def test_the_comparison_sees_one_changed_word(page: Page, chat: Chat) -> None:
    chat.assert_right(page)
    page.locator("[data-testid=message-assistant] .prose li").first.evaluate("(item) => item.remove()")
    with pytest.raises(AssertionError):
        chat.assert_right(page)
