"""Imports in the page: files chosen or dropped, uploaded, refused in words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.acceptance.chat_pages import document
from tests.acceptance.house import House, Person, wait_for

MEGABYTE = 1_000_000


@pytest.fixture
def page(veras_page: Page) -> Page:
    """The page that shows Vera's chat."""
    return veras_page


def _import_dialog(page: Page) -> Locator:
    page.get_by_test_id("account-menu").click()
    page.get_by_test_id("account-import").click()
    return page.get_by_role("dialog", name="Import a chat")


def _choose(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as choosing:
        page.get_by_test_id("import-choose").click()
    choosing.value.set_files(path)


def _file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def _titled(person: Person, title: str) -> list[Any]:
    answer = person.http.get("/api/sessions/", params={"search": title}).raise_for_status()
    return list(answer.json()["results"])


def _drop(page: Page, path: Path) -> None:
    """Let go of a file or a folder over the dialog."""
    box = page.get_by_test_id("import-drop").bounding_box()
    assert box
    mouse = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": data}
        mouse.send("Input.dispatchDragEvent", event)


def test_an_exported_chat_is_imported_once_however_often_one_clicks(
    page: Page, vera: Person, tmp_path: Path
) -> None:
    exported = document("Brought along", "first words", "second words", "third words")
    dialog = _import_dialog(page)
    expect(dialog.get_by_test_id("import-submit")).to_be_disabled()
    _choose(page, _file(tmp_path, "chat.json", exported))
    expect(dialog.get_by_test_id("import-file")).to_contain_text("chat.json")
    expect(dialog.get_by_test_id("import-submit")).to_be_focused()
    dialog.get_by_test_id("import-submit").dblclick()
    expect(page.get_by_test_id("toast")).to_contain_text("Imported 3 messages.")
    expect(page.get_by_test_id("session-title")).to_have_text("Brought along")
    expect(page.get_by_test_id("message-user").last).to_contain_text("third words")
    expect(page.get_by_test_id("session-list")).to_contain_text("Brought along")
    assert len(_titled(vera, "Brought along")) == 1


def test_a_chat_is_imported_from_a_page_without_chats_by_dropping_it(
    page: Page, house: House, tmp_path: Path
) -> None:
    path = _file(tmp_path, "dropped.json", "\ufeff" + json.dumps(document("Dropped", "words")))
    page.goto(f"{house.url}/account/")
    dialog = _import_dialog(page)
    _drop(page, path)
    expect(dialog.get_by_test_id("import-file")).to_contain_text("dropped.json")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/**")
    expect(page.get_by_test_id("toast")).to_contain_text("Imported 1 message.")
    expect(page.get_by_test_id("session-title")).to_have_text("Dropped")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not json", "This file is not JSON"),
        ({"schema_version": 99}, "no exported chat, or one of a version that this server cannot read"),
        (document("Wrong", "words") | {"messages": [{"role": "user"}]}, "$.messages[0]"),
    ],
)
def test_what_is_no_exported_chat_is_refused_in_words(
    page: Page, tmp_path: Path, content: object, words: str
) -> None:
    dialog = _import_dialog(page)
    _choose(page, _file(tmp_path, "wrong.json", content))
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("import-error")).to_contain_text(words)
    expect(dialog.get_by_test_id("import-file")).to_contain_text("wrong.json")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("account-menu")).to_be_focused()


def test_a_large_chat_is_uploaded_in_pieces_and_may_be_cancelled(
    page: Page, vera: Person, tmp_path: Path
) -> None:
    text = json.dumps(document("Large", "a question", "an answer"))
    path = _file(tmp_path, "large.json", text + " " * 2 * MEGABYTE)
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": MEGABYTE}
    network = page.context.new_cdp_session(page)
    network.send("Network.emulateNetworkConditions", line)
    dialog = _import_dialog(page)
    _choose(page, path)
    page.keyboard.press("Enter")
    bar = dialog.get_by_role("progressbar", name="Upload")
    expect(bar).to_have_attribute("aria-valuenow", re.compile("[1-9].?"))
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    wait_for("the server has forgotten it", lambda: not _files(vera))
    network.send("Network.emulateNetworkConditions", line | {"uploadThroughput": -1})
    _import_dialog(page)
    _choose(page, path)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("toast")).to_contain_text("Imported 2 messages.", timeout=20_000)
    expect(page.get_by_test_id("session-title")).to_have_text("Large")
    wait_for("nothing of the upload is kept", lambda: not _files(vera))


def test_a_dropped_folder_is_refused_in_words_and_leaves_the_chosen_file(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    dialog = _import_dialog(page)
    _choose(page, _file(tmp_path, "chat.json", document("Dropped", "words")))
    _drop(page, folder)
    expect(dialog.get_by_test_id("import-error")).to_contain_text("A folder cannot be imported")
    expect(dialog.get_by_test_id("import-file")).to_contain_text("chat.json")
    expect(dialog.get_by_test_id("import-submit")).to_be_enabled()


def test_what_is_cancelled_while_it_is_restored_is_not_there_afterwards(
    page: Page, vera: Person, tmp_path: Path
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/sessions/import/", hold, times=1)
    dialog = _import_dialog(page)
    _choose(page, _file(tmp_path, "chat.json", document("Thought better of", "words")))
    page.keyboard.press("Enter")
    expect(dialog.get_by_test_id("import-progress")).to_contain_text("Restoring the chat…")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    _import_dialog(page)
    expect(dialog.get_by_test_id("import-choose")).to_be_enabled()
    with page.expect_response(lambda response: response.request.method == "DELETE") as deleting:
        held[0].continue_()
    assert deleting.value.status == 204
    assert _titled(vera, "Thought better of") == []
    expect(page.get_by_test_id("session-title")).to_have_text("Talk of whales")


def _files(person: Person) -> list[Any]:
    return list(person.http.get("/api/files/").raise_for_status().json()["results"])


def test_a_file_that_is_too_large_is_refused_before_a_byte_is_sent(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(33 * 1024**2)
    dialog = _import_dialog(page)
    _choose(page, path)
    expect(dialog.get_by_test_id("import-error")).to_contain_text("At most 33.6 MB are imported.")
    expect(dialog.get_by_test_id("import-submit")).to_be_disabled()
