"""Exports in the page: asked for by clicks and keys, watched, downloaded, told when they fail."""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.acceptance.chat_pages import imported
from tests.acceptance.house import House, Person

MEGABYTE = 1_000_000


@pytest.fixture
def page(veras_page: Page) -> Page:
    """The page that shows Vera's chat."""
    return veras_page


@contextmanager
def _paused(house: House) -> Iterator[None]:
    """Let no export begin."""
    admin = Person(house, house.manage("api_token", "admin").splitlines()[-1])
    try:
        admin.http.patch("/api/pools/exports/", json={"paused": True}).raise_for_status()
        yield
    finally:
        admin.http.patch("/api/pools/exports/", json={"paused": False}).raise_for_status()
        admin.http.close()


@contextmanager
def _no_room_for_exports(house: House) -> Iterator[None]:
    """Put a file where the folder of exports is."""
    folder = house.folder / "media" / "exports"
    aside = folder.with_name("exports-aside")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


def _card(page: Page, state: str = "") -> Locator:
    return page.locator(f"[data-testid=export-card]{f'[data-state={state}]' if state else ''}").last


def _ask(page: Page, name: str) -> None:
    page.get_by_test_id("export-menu").click()
    page.get_by_test_id(f"export-{name}").click()


def _options(page: Page) -> Locator:
    _ask(page, "options")
    return page.get_by_test_id("export-dialog")


def _download(page: Page, card: Locator) -> tuple[str, bytes]:
    with page.expect_download() as downloading:
        card.get_by_test_id("export-download").click(timeout=20_000)
    return downloading.value.suggested_filename, Path(downloading.value.path()).read_bytes()


def _posts(page: Page, path: str) -> list[Any]:
    """Return a list that fills with what is posted to an address."""
    posts: list[Any] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith(path):
            posts.append(json.loads(request.post_data or "null"))

    page.on("request", note)
    return posts


def test_an_export_has_what_was_chosen_and_the_next_click_chooses_the_same(page: Page) -> None:
    dialog = _options(page)
    expect(dialog.get_by_test_id("message-total")).to_have_text("4 messages")
    expect(dialog.get_by_label("A4")).to_be_checked()
    dialog.get_by_label("HTML").check(force=True)
    expect(dialog.get_by_label("A4")).to_be_hidden()
    expect(dialog.get_by_label("Dark")).to_be_visible()
    expect(dialog.get_by_label("Auto")).to_be_checked()
    dialog.get_by_label("Markdown").check(force=True)
    expect(dialog.get_by_label("Dark")).to_be_hidden()
    dialog.get_by_label("Metadata").uncheck()
    dialog.get_by_label("First message").fill("2")
    expect(dialog.get_by_test_id("range-some")).to_be_checked()
    dialog.get_by_label("Last message").fill("3")
    dialog.get_by_label("Last message").press("Enter")
    expect(dialog).to_be_hidden()
    card = _card(page, "succeeded")
    expect(card).to_contain_text("Markdown export", timeout=20_000)
    expect(card).to_contain_text(re.compile(r"bytes · made\sin\s.+ · kept\suntil"))
    name, content = _download(page, card)
    text = content.decode()
    assert name.endswith(".md")
    assert [word for word in ("one of whales", "krill", "ships", "nets") if word in text] == [
        "krill",
        "ships",
    ]
    page.get_by_test_id("export-menu").click()
    expect(page.get_by_test_id("export-note")).to_have_text("As chosen last time: without metadata.")
    page.get_by_test_id("export-json").click()
    expect(_card(page, "succeeded")).to_contain_text("JSON export", timeout=20_000)
    document = json.loads(_download(page, _card(page))[1])
    assert [message["content"][:3] for message in document["messages"]] == ["one", "two", "thr", "fou"]
    assert "owner" not in document["session"]


def test_what_is_wrong_is_told_in_the_dialog_and_nothing_typed_is_lost(page: Page) -> None:
    page.get_by_test_id("export-menu").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("export-pdf")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Export this chat")
    expect(dialog).to_be_visible()
    dialog.get_by_test_id("range-from").fill("3")
    dialog.get_by_test_id("range-to").fill("99")
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("range-error")).to_have_text("Give the number of a message, from 1 to 4.")
    expect(dialog.get_by_test_id("range-to")).to_be_focused()
    expect(dialog.get_by_test_id("range-to")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("export-menu")).to_be_focused()
    expect(page.get_by_test_id("export-card")).to_have_count(0)
    _options(page)
    expect(dialog.get_by_test_id("range-from")).to_have_value("3")
    dialog.get_by_test_id("range-to").fill("4")
    answer = {
        "status": 429,
        "content_type": "application/problem+json",
        "body": '{"code": "queue_full", "detail": "Too many exports wait."}',
    }
    page.route("**/api/exports/", lambda route: route.fulfill(**answer), times=1)
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("export-error")).to_have_text(re.compile("Too many exports wait."))
    expect(dialog.get_by_test_id("range-to")).to_have_value("4")
    page.keyboard.press("Enter")
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)


def test_chosen_chats_come_as_one_archive_in_a_chat_of_its_own(
    page: Page, house: House, vera: Person
) -> None:
    for title in ("Ledger of spring", "Ledger of autumn"):
        imported(vera, title)
    archived = imported(vera, "Ledger of winter")
    vera.http.post(f"/api/sessions/{archived}/archive/").raise_for_status()
    page.goto(f"{house.url}/account/")
    page.get_by_test_id("account-menu").click()
    page.get_by_test_id("account-export").click()
    dialog = page.get_by_role("dialog", name="Export several chats")
    expect(dialog.get_by_test_id("pick-chat").first).to_be_visible()
    dialog.get_by_test_id("archive-submit").click()
    expect(dialog.get_by_test_id("archive-error")).to_have_text(re.compile("Choose at least one chat."))
    dialog.get_by_test_id("pick-search").fill("ledger")
    expect(dialog.get_by_test_id("pick-chat")).to_have_count(3)
    expect(dialog.get_by_test_id("pick-chat").filter(has_text="winter")).to_contain_text("Archived")
    dialog.get_by_label("Select all that match").check()
    expect(dialog.get_by_test_id("pick-count")).to_have_text("3 chats selected")
    dialog.get_by_label("Ledger of spring").uncheck()
    expect(dialog.get_by_test_id("pick-count")).to_have_text("2 chats selected")
    dialog.get_by_test_id("pick-search").fill("")
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("pick-chat").filter(has_text="spring")).to_be_visible()
    expect(dialog.get_by_label("Ledger of autumn")).to_be_checked()
    dialog.get_by_label("Markdown").check(force=True)
    dialog.get_by_test_id("archive-submit").click()
    page.wait_for_url("**/sessions/**")
    card = _card(page, "succeeded")
    expect(card).to_contain_text("Markdown archive of 2 chats", timeout=20_000)
    name, content = _download(page, card)
    assert name.endswith(".zip")
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert sorted(re.sub(r"[^a-z].*", "", name.rpartition("of-")[2]) for name in names) == [
        "autumn",
        "index",
        "winter",
    ]


def test_a_long_list_of_chats_loads_as_one_scrolls_and_all_are_chosen_at_once(
    page: Page, vera: Person
) -> None:
    for _ in range(110):
        vera.session()
    _ask(page, "several")
    dialog = page.get_by_test_id("archive-dialog")
    expect(dialog.get_by_test_id("pick-chat")).to_have_count(100)
    dialog.get_by_test_id("pick-chat").last.scroll_into_view_if_needed()
    expect(dialog.get_by_test_id("pick-chat").nth(105)).to_be_attached()
    dialog.get_by_test_id("pick-every").check()
    expect(dialog.get_by_test_id("pick-count")).to_contain_text("chats selected")
    count = dialog.get_by_test_id("pick-chat").count()
    assert count > 110
    expect(dialog.get_by_test_id("pick-count")).to_have_text(f"{count} chats selected")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("export-menu")).to_be_focused()


def test_a_card_is_right_after_every_reload_and_cancelled_work_can_be_tried_again(
    page: Page, house: House
) -> None:
    with _paused(house):
        _ask(page, "html")
        expect(_card(page, "queued")).to_contain_text("HTML export")
        page.reload()
        expect(_card(page, "queued")).to_contain_text("Queued · position 1")
        _card(page).get_by_test_id("subagent-cancel").click()
        expect(_card(page, "cancelled")).to_be_visible()
        page.reload()
        expect(_card(page, "cancelled")).to_contain_text("Cancelled")
        _card(page).get_by_test_id("subagent-retry").click()
        expect(_card(page, "queued")).to_be_visible()
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)
    shown = _card(page).inner_text()
    page.reload()
    expect(_card(page, "succeeded")).to_be_visible()
    assert _card(page).inner_text() == shown


def test_a_failure_says_what_to_do_and_trying_again_helps(page: Page, house: House) -> None:
    with _no_room_for_exports(house):
        _ask(page, "markdown")
        expect(_card(page, "failed")).to_contain_text("storage_failed", timeout=20_000)
        page.reload()
        expect(_card(page, "failed").get_by_test_id("export-advice")).to_contain_text("Try again")
    _card(page).get_by_test_id("subagent-retry").click()
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)
    expect(_card(page).get_by_test_id("export-advice")).to_be_hidden()


def test_a_file_that_is_gone_is_told_and_the_same_export_is_made_again(
    page: Page, house: House, vera: Person, veras_chat: str
) -> None:
    dialog = _options(page)
    dialog.get_by_label("JSON").check(force=True)
    dialog.get_by_label("Tool calls").uncheck()
    dialog.get_by_test_id("range-from").fill("3")
    page.keyboard.press("Enter")
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)
    shutil.rmtree(house.folder / "media" / "exports")
    _card(page).get_by_test_id("export-download").click()
    expect(page.get_by_test_id("toast")).to_contain_text("is gone")
    expect(_card(page, "expired")).to_contain_text("not kept any more")
    _card(page).get_by_role("button", name="Export again").click()
    expect(page.get_by_test_id("export-card")).to_have_count(2)
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)
    made = vera.http.get("/api/subagents/", params={"session_id": veras_chat}).raise_for_status().json()
    again, first = (export["args"] for export in made["results"])
    assert again == first
    assert first["options"]["first_message"] == 3
    assert not first["options"]["include_tools"]


def test_an_export_whose_time_is_over_can_be_made_again_after_a_reload(
    page: Page, house: House, veras_chat: str
) -> None:
    _ask(page, "json")
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)
    house.manage(
        "shell",
        "-c",
        "from exports_app.models import Export; from django.utils import timezone;"
        f"Export.objects.filter(subagent__session_id='{veras_chat}').update(expires_at=timezone.now())",
    )
    page.reload()
    expect(_card(page, "expired")).to_contain_text("Expired")
    expect(_card(page).get_by_test_id("export-download")).to_be_hidden()
    _card(page).get_by_role("button", name="Export again").click()
    expect(_card(page, "succeeded")).to_be_visible(timeout=20_000)


def test_who_is_in_another_chat_is_told_that_an_export_is_ready(
    page: Page, house: House, vera: Person
) -> None:
    other = imported(vera, "Elsewhere")
    page.reload()
    with _paused(house):
        _ask(page, "json")
        expect(_card(page, "queued")).to_be_visible()
        page.locator(f"[data-session-id='{other}']").click()
        expect(page.get_by_test_id("session-title")).to_have_text("Elsewhere")
    toast = page.get_by_test_id("toast")
    expect(toast).to_contain_text("The JSON export of “Talk of whales” is ready.", timeout=20_000)
    with page.expect_download() as downloading:
        toast.get_by_role("button", name="Download").click()
    assert downloading.value.suggested_filename.endswith(".json")
