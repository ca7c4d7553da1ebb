"""Dialogs and cards of exports when something changes under them: chats, logins, connections, windows."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Download, Locator, Page, Route, expect

from tests.acceptance.chat_pages import document, imported
from tests.acceptance.house import House, Person

LOGGED_OUT = "You are not logged in any more. Log in"


@pytest.fixture(scope="module")
def admin(house: House) -> Iterator[Person]:
    """Who may pause pools."""
    person = Person(house, house.manage("api_token", "admin").splitlines()[-1])
    yield person
    person.http.close()


@pytest.fixture
def page(veras_page: Page) -> Page:
    """The page that shows Vera's chat."""
    return veras_page


def _cards(page: Page) -> Locator:
    return page.get_by_test_id("export-card")


def _ask(page: Page, name: str) -> None:
    page.get_by_test_id("export-menu").click()
    page.get_by_test_id(f"export-{name}").click()


def _picker(page: Page, search: str) -> Locator:
    _ask(page, "several")
    dialog = page.get_by_test_id("archive-dialog")
    expect(dialog.get_by_test_id("pick-search")).to_be_focused()
    dialog.get_by_test_id("pick-search").fill(search)
    return dialog


def _import_dialog(page: Page) -> Locator:
    page.get_by_test_id("account-menu").click()
    page.get_by_test_id("account-import").click()
    return page.get_by_test_id("import-dialog")


def _is_covered(shown: Locator, cover: Locator) -> bool:
    below, above = shown.bounding_box(), cover.bounding_box()
    assert below
    assert above
    return below["y"] + below["height"] > above["y"]


def _ground(shown: Locator) -> object:
    """Return the colour that is seen at a corner, inside its border."""
    with Image.open(io.BytesIO(shown.screenshot())) as picture:
        return picture.getpixel((8, 8))


def test_going_back_takes_the_dialog_of_the_other_chat_away(page: Page, house: House, vera: Person) -> None:
    other = imported(vera, "Talk of squids")
    page.reload()
    page.locator(f"[data-session-id='{other}']").click()
    expect(page.get_by_test_id("session-title")).to_have_text("Talk of squids")
    _ask(page, "options")
    page.get_by_test_id("range-from").fill("3")
    page.go_back()
    expect(page.get_by_test_id("session-title")).to_have_text("Talk of whales")
    expect(page.get_by_test_id("export-dialog")).to_be_hidden()


def test_a_chat_that_was_stopped_or_deleted_meanwhile_says_what_can_be_done(
    page: Page, vera: Person, veras_chat: str
) -> None:
    _ask(page, "options")
    vera.http.post(f"/api/sessions/{veras_chat}/stop/").raise_for_status()
    page.get_by_test_id("export-submit").click()
    told = page.get_by_test_id("export-error")
    expect(told).to_contain_text(
        "This chat is stopped and takes no work. Choose it in “Export several chats…”"
    )
    vera.http.delete(f"/api/sessions/{veras_chat}/").raise_for_status()
    page.get_by_test_id("export-submit").click()
    expect(told).to_contain_text("There is no such chat of yours: it was deleted, or is another user’s.")
    page.keyboard.press("Escape")
    _ask(page, "json")
    expect(page.get_by_test_id("toast")).to_contain_text("There is no such chat of yours")


def test_a_stopped_chat_is_exported_among_several(page: Page, vera: Person, veras_chat: str) -> None:
    vera.http.post(f"/api/sessions/{veras_chat}/stop/").raise_for_status()
    dialog = _picker(page, "Talk of whales")
    dialog.locator(f"input[value='{veras_chat}']").check()
    dialog.get_by_label("JSON").check(force=True)
    dialog.get_by_test_id("archive-submit").click()
    expect(_cards(page)).to_have_attribute("data-state", "succeeded", timeout=20_000)
    expect(_cards(page)).to_contain_text("JSON archive of 1 chat")


def test_of_selected_chats_one_that_was_deleted_is_told_and_the_others_stay(page: Page, vera: Person) -> None:
    kept, gone = imported(vera, "Almanac kept"), imported(vera, "Almanac gone")
    dialog = _picker(page, "Almanac")
    for session in (kept, gone):
        dialog.locator(f"input[value='{session}']").check()
    vera.http.delete(f"/api/sessions/{gone}/").raise_for_status()
    dialog.get_by_test_id("archive-submit").click()
    told = dialog.get_by_test_id("archive-error")
    expect(told).to_contain_text("1 selected chat was deleted meanwhile. Export the others now.")
    expect(dialog.get_by_test_id("pick-count")).to_have_text("1 chat selected")
    expect(dialog.locator(f"input[value='{kept}']")).to_be_checked()
    dialog.get_by_test_id("archive-submit").click()
    expect(page.get_by_test_id("session-title")).to_have_text("Export of 1 chat")


def test_all_are_selected_and_exported_while_more_are_loading(page: Page, vera: Person) -> None:
    for _ in range(max(0, 105 - len(vera.http.get("/api/sessions/?page_size=100").json()["results"]))):
        vera.session()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/sessions/?*cursor=*", hold, times=1)
    _ask(page, "several")
    dialog = page.get_by_test_id("archive-dialog")
    with page.expect_request("**/api/sessions/?*cursor=*"):
        dialog.get_by_test_id("pick-chat").last.scroll_into_view_if_needed()
    dialog.get_by_test_id("pick-every").click()
    expect(dialog.get_by_test_id("pick-count")).to_have_text("Selecting…")
    expect(dialog.get_by_test_id("pick-every")).to_be_checked()
    dialog.get_by_label("JSON").check(force=True)
    dialog.get_by_test_id("archive-submit").click()
    held[0].continue_()
    expect(page.get_by_test_id("session-title")).to_have_text(re.compile("Export of 1[0-9][0-9] chats"))


def test_all_that_cannot_be_loaded_are_told_where_one_looks(page: Page, vera: Person) -> None:
    for _ in range(max(0, 105 - len(vera.http.get("/api/sessions/?page_size=100").json()["results"]))):
        vera.session()
    page.set_viewport_size({"width": 390, "height": 844})
    _ask(page, "several")
    dialog = page.get_by_test_id("archive-dialog")
    expect(dialog.get_by_test_id("pick-chat")).to_have_count(100)
    page.route("**/api/sessions/?*cursor=*", lambda route: route.abort())
    dialog.get_by_test_id("pick-every").click()
    expect(dialog.get_by_test_id("pick-status")).to_contain_text("The server cannot be reached.")
    expect(dialog.get_by_test_id("pick-status")).to_be_in_viewport()
    expect(dialog.get_by_test_id("pick-every")).not_to_be_checked()
    page.unroute("**/api/sessions/?*cursor=*")
    dialog.get_by_test_id("pick-more").click()
    expect(dialog.get_by_test_id("pick-chat").nth(100)).to_be_attached()
    dialog.get_by_test_id("pick-every").click()
    expect(dialog.get_by_test_id("pick-count")).to_contain_text("chats selected")


def test_all_that_match_are_those_of_what_was_typed_last(page: Page, vera: Person) -> None:
    imported(vera, "Herbal of mint")
    dialog = _picker(page, "Herbal")
    dialog.get_by_test_id("pick-every").click()
    expect(dialog.get_by_test_id("pick-count")).to_have_text("1 chat selected")


def test_who_is_logged_out_is_told_where_to_log_in_and_keeps_what_was_chosen(
    page: Page, tmp_path: Path
) -> None:
    cookies = page.context.cookies()
    page.context.clear_cookies()
    _ask(page, "several")
    expect(page.get_by_test_id("pick-status")).to_have_text(LOGGED_OUT)
    page.keyboard.press("Escape")
    path = tmp_path / "large.json"
    path.write_text(json.dumps(document("Kept after login", "words")) + " " * 2_000_000)
    dialog = _import_dialog(page)
    expect(dialog.get_by_test_id("import-choose")).to_be_focused()
    page.get_by_test_id("import-input").set_input_files(path)
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("import-error")).to_have_text(LOGGED_OUT)
    expect(dialog.get_by_role("link", name="Log in")).to_be_visible()
    page.context.add_cookies([{**cookie} for cookie in cookies])  # type: ignore[typeddict-item]
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("session-title")).to_have_text("Kept after login", timeout=20_000)


def test_what_is_wrong_is_seen_at_twice_the_size(page: Page) -> None:
    page.set_viewport_size({"width": 640, "height": 400})
    _ask(page, "options")
    page.get_by_test_id("range-from").fill("99")
    page.keyboard.press("Enter")
    dialog = page.get_by_test_id("export-dialog")
    assert not _is_covered(dialog.get_by_test_id("range-error"), dialog.locator(".form-buttons"))
    page.keyboard.press("Escape")
    dialog = _picker(page, "")
    dialog.get_by_test_id("archive-submit").click()
    expect(dialog.get_by_test_id("archive-error")).to_be_visible()
    assert not _is_covered(dialog.get_by_test_id("archive-error"), dialog.locator(".form-buttons"))


def test_formats_keep_their_names_whole_in_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    _ask(page, "options")
    name = page.get_by_test_id("export-dialog").get_by_test_id("format-markdown").locator("strong")
    lines = "name => name.offsetHeight / parseFloat(getComputedStyle(name).lineHeight)"
    assert name.evaluate(lines) < 1.5


def test_what_is_chosen_is_seen_in_forced_colours(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    _ask(page, "options")
    dialog = page.get_by_test_id("export-dialog")
    for name in ("pdf", "letter", "dark"):
        chosen = dialog.locator(f"label:has([value={name}])")
        chosen.locator("input").check(force=True)
        other = dialog.locator(f"fieldset:has([value={name}]) label:not(:has(:checked))").first
        assert _ground(chosen) != _ground(other)


def test_cancelled_work_is_tried_again_once_by_two_clicks_and_keeps_the_focus(
    page: Page, admin: Person
) -> None:
    admin.http.patch("/api/pools/exports/", json={"paused": True}).raise_for_status()
    try:
        _ask(page, "json")
        _cards(page).get_by_test_id("subagent-cancel").focus()
        page.keyboard.press("Enter")
        retry = _cards(page).get_by_test_id("subagent-retry")
        expect(retry).to_be_focused()
        retry.dblclick()
        expect(_cards(page)).to_have_count(2)
        expect(retry.first).to_be_enabled()
        expect(_cards(page)).to_have_count(2)
    finally:
        admin.http.patch("/api/pools/exports/", json={"paused": False}).raise_for_status()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "The server cannot be reached."),
        (403, "You may not have this file any more."),
        (503, "its storage does not answer. Try again later."),
    ],
)
def test_a_download_that_cannot_be_now_is_told_in_words(page: Page, answer: int | None, words: str) -> None:
    _ask(page, "json")
    download = _cards(page).get_by_test_id("export-download")
    expect(download).to_be_visible(timeout=20_000)
    downloads: list[Download] = []

    def note(download: Download) -> None:
        downloads.append(download)

    page.on("download", note)
    page.route("**/exports/*/", lambda route: route.fulfill(status=answer) if answer else route.abort())
    download.click()
    expect(page.get_by_test_id("toast")).to_contain_text(words)
    assert downloads == []


def test_formats_are_completed_with_what_they_are_for(page: Page) -> None:
    page.get_by_test_id("composer").fill("/export m")
    expect(page.get_by_role("option").first).to_contain_text("Markdown for notes and editors")


def test_a_title_that_runs_leftwards_begins_at_its_right_and_so_does_the_name_of_its_file(
    page: Page, vera: Person, veras_chat: str
) -> None:
    title = "שיחה על לווייתנים (2026)"
    vera.http.patch(f"/api/sessions/{veras_chat}/", json={"title": title}).raise_for_status()
    expect(page.get_by_test_id("session-title")).to_have_text(title)
    expect(page.get_by_test_id("session-title")).to_have_css("direction", "rtl")
    _ask(page, "json")
    name = _cards(page).locator("bdi")
    expect(name).to_contain_text("לווייתנים", timeout=20_000)
    expect(name).to_have_css("direction", "rtl")
    expect(_cards(page)).to_have_css("direction", "ltr")
