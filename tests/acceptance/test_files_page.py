"""Files in the page: attached in any way they arrive whole, go with a message and come back as they were."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Locator, Page, expect

from tests.acceptance.chat_pages import Chat, card, live
from tests.acceptance.house import House, Person, wait_for
from tests.cable import Cable

MEGABYTE = 1_000_000
SLOW_BYTES_PER_SECOND = 6 * MEGABYTE
ON_CHAT = (800, 300)
ON_SIDEBAR = (100, 300)
LINK = re.compile(r"\[(?P<name>.*)\]\(/files/(?P<id>[0-9a-f-]{36})/\)")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of 20 MB."""
    return _file(tmp_path, "large data.bin", os.urandom(20 * MEGABYTE))


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _choose(page: Page, *paths: Path) -> None:
    with page.expect_file_chooser() as choosing:
        page.get_by_test_id("attach").click()
    choosing.value.set_files(paths)


def _uploads(page: Page, state: str = "") -> Locator:
    return page.locator(f"[data-testid=upload]{f'[data-state={state}]' if state else ''}")


def _slow(page: Page, bytes_per_second: int = SLOW_BYTES_PER_SECOND) -> None:
    """Give the page a slow line to send over."""
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)


def _under_way(page: Page, percent: int = 10) -> None:
    """Wait until an upload is some way, and not there yet."""
    bar = _uploads(page, "sending").get_by_role("progressbar")
    wait_for("the upload gets on", lambda: int(bar.get_attribute("aria-valuenow") or 0) >= percent)
    expect(_uploads(page, "sending")).to_have_count(1)


def _offsets(page: Page) -> list[int]:
    """Return a list that fills with the places at which pieces are sent."""
    offsets: list[int] = []

    def note(request: object) -> None:
        if request.method == "PATCH":  # type: ignore[attr-defined]
            offsets.append(int(request.headers["upload-offset"]))  # type: ignore[attr-defined]

    page.on("request", note)
    return offsets


def _send(page: Page, text: str = "") -> None:
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Enter")


def _sent_files(chat: Chat, count: int = 1) -> list[dict[str, str]]:
    """Return name and id of the files of the last message, once there are that many."""

    def look() -> list[dict[str, str]] | None:
        found = [match.groupdict() for match in LINK.finditer(chat.user_messages()[-1])]
        return found if len(found) == count else None

    return list(wait_for("the message has its files", look))


def _content(person: Person, file_id: str) -> bytes:
    return person.http.get(f"/files/{file_id}/").raise_for_status().content


def _unfinished(person: Person) -> list[str]:
    found = person.http.get("/api/files/", params={"state": "receiving"}).raise_for_status().json()["results"]
    return [file["file_id"] for file in found]


def _downloaded(page: Page, link: Locator) -> tuple[str, bytes]:
    with page.expect_download() as downloading:
        link.click()
    return downloading.value.suggested_filename, Path(downloading.value.path()).read_bytes()


def _drag(session: CDPSession, path: Path, place: tuple[int, int], *kinds: str) -> None:
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in kinds:
        event = {"type": kind, "x": place[0], "y": place[1], "data": data}
        session.send("Input.dispatchDragEvent", event)


def test_chosen_files_go_with_a_message_and_come_back_as_they_were(
    page: Page, chat: Chat, tmp_path: Path
) -> None:
    first = _file(tmp_path, "sales [2026] (draft).csv", b"a,b\n1,2\n")
    second = _file(tmp_path, "empty.txt", b"")
    _choose(page, first, second)
    expect(_uploads(page, "done")).to_have_count(2)
    expect(_uploads(page).first).to_contain_text("8 bytes")
    _send(page, "Look at these.\nBoth of them.")
    files = _sent_files(chat, 2)
    assert chat.user_messages()[-1].startswith(
        "Look at these.\nBoth of them.\n\n[sales \\[2026\\] \\(draft\\).csv]("
    )
    assert _content(chat.erin, files[0]["id"]) == b"a,b\n1,2\n"
    message = page.get_by_test_id("message-user").last
    expect(message.locator(".bubble")).to_have_text("Look at these.\nBoth of them.")
    chips = message.get_by_test_id("file-chip")
    expect(chips).to_have_text([first.name, second.name])
    assert _downloaded(page, chips.first) == (first.name, b"a,b\n1,2\n")
    expect(_uploads(page)).to_have_count(0)
    chat.erin.quiet(chat.id)
    chat.assert_right(page)


def test_a_message_may_be_files_alone_and_begin_a_chat(
    erins_browser: BrowserContext, house: House, erin: Person, tmp_path: Path
) -> None:
    page = erins_browser.new_page()
    page.goto(house.url)
    expect(page.get_by_test_id("attach")).to_be_enabled()
    _choose(page, _file(tmp_path, "notes.md", b"# Notes\n"))
    expect(_uploads(page, "done")).to_have_count(1)
    _send(page)
    page.wait_for_url("**/sessions/**")
    chip = page.get_by_test_id("message-user").get_by_test_id("file-chip")
    expect(chip).to_have_text("notes.md")
    expect(page.locator("[data-testid=message-user] .bubble")).to_be_hidden()
    expect(page.get_by_test_id("session-title")).to_have_text("notes.md")
    assert _downloaded(page, chip) == ("notes.md", b"# Notes\n")
    page.close()


def test_files_dropped_on_the_chat_are_attached_and_beside_it_do_no_harm(
    page: Page, erins_browser: BrowserContext, tmp_path: Path
) -> None:
    path = _file(tmp_path, "dropped.json", b"{}")
    address = page.url
    session = erins_browser.new_cdp_session(page)
    target = page.get_by_test_id("drop-target")
    _drag(session, path, ON_CHAT, "dragEnter", "dragOver")
    expect(target).to_be_visible()
    # The browser tells a new place that it is entered before it tells it more.
    _drag(session, path, ON_SIDEBAR, "dragOver", "dragOver")
    expect(target).to_be_hidden()
    _drag(session, path, ON_SIDEBAR, "drop")
    _drag(session, path, ON_CHAT, "dragEnter", "dragOver", "drop")
    expect(target).to_be_hidden()
    expect(_uploads(page, "done")).to_have_count(1)
    expect(_uploads(page)).to_contain_text("dropped.json")
    assert page.url == address


def test_a_dropped_folder_is_refused_in_words(
    page: Page, erins_browser: BrowserContext, tmp_path: Path
) -> None:
    session = erins_browser.new_cdp_session(page)
    _drag(session, tmp_path, ON_CHAT, "dragEnter", "dragOver", "drop")
    expect(page.get_by_test_id("toast")).to_contain_text("A folder cannot be attached")
    expect(_uploads(page)).to_have_count(0)


def test_a_picture_in_the_clipboard_is_attached_and_text_is_not(
    page: Page, erins_browser: BrowserContext
) -> None:
    erins_browser.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("""async () => {
        const canvas = new OffscreenCanvas(40, 30);
        canvas.getContext("2d").fillRect(0, 0, 20, 20);
        const png = await canvas.convertToBlob();
        await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    }""")
    page.get_by_test_id("composer").press("Control+v")
    expect(_uploads(page, "done")).to_contain_text("image.png")
    page.evaluate("navigator.clipboard.writeText('plain words')")
    page.get_by_test_id("composer").press("Control+v")
    expect(page.get_by_test_id("composer")).to_have_value("plain words")
    expect(_uploads(page)).to_have_count(1)
    erins_browser.clear_permissions()


def test_a_large_file_arrives_whole_over_a_line_that_breaks(
    page: Page, chat: Chat, cable: Cable, large: Path
) -> None:
    offsets = _offsets(page)
    _slow(page)
    _choose(page, large)
    _under_way(page)
    cable.refuse()
    expect(_uploads(page).get_by_test_id("upload-reason")).to_contain_text(
        "cannot be reached. It goes on by itself"
    )
    assert max(offsets) > 0
    before = len(offsets)
    cable.mend()
    expect(_uploads(page, "done")).to_have_count(1, timeout=30_000)
    assert min(offsets[before:]) > 0
    _send(page, "here")
    content = _content(chat.erin, _sent_files(chat)[0]["id"])
    assert hashlib.sha256(content).digest() == hashlib.sha256(large.read_bytes()).digest()


def test_a_large_file_arrives_whole_although_the_web_process_is_killed(
    page: Page, chat: Chat, house: House, large: Path
) -> None:
    offsets = _offsets(page)
    _slow(page)
    _choose(page, large)
    _under_way(page)
    before = len(offsets)
    house.kill("web")
    expect(_uploads(page, "done")).to_have_count(1, timeout=60_000)
    assert min(offsets[before:]) > 0
    _send(page, "here")
    content = _content(chat.erin, _sent_files(chat)[0]["id"])
    assert hashlib.sha256(content).digest() == hashlib.sha256(large.read_bytes()).digest()


def test_enter_during_an_upload_sends_once_the_file_is_there(page: Page, chat: Chat, large: Path) -> None:
    _slow(page)
    _choose(page, large)
    _under_way(page)
    hold = page.get_by_test_id("composer-hold")
    expect(hold).to_contain_text("Sending waits until the files are there.")
    _send(page, "with a file")
    expect(hold).to_contain_text("Goes out once the files are there.")
    assert chat.user_messages() == ["hello"]
    page.get_by_test_id("unhold").click()
    expect(hold).to_contain_text("Sending waits until the files are there.")
    page.get_by_test_id("send").click()
    expect(hold).to_contain_text("Goes out once the files are there.")
    assert _sent_files(chat)[0]["name"] == large.name
    expect(page.get_by_test_id("composer")).to_have_value("")


def test_a_cancelled_upload_is_gone_from_the_page_and_the_server(
    page: Page, erin: Person, large: Path
) -> None:
    before = _unfinished(erin)
    _slow(page)
    _choose(page, large)
    _under_way(page)
    assert len(_unfinished(erin)) == len(before) + 1
    _send(page, "not yet")
    page.get_by_role("button", name="Cancel the upload of large data.bin").click()
    expect(_uploads(page)).to_have_count(0)
    expect(page.get_by_test_id("composer")).to_have_value("not yet")
    expect(page.get_by_test_id("composer")).to_be_focused()
    wait_for("the server has forgotten it", lambda: _unfinished(erin) == before)


def test_a_file_over_the_limit_is_refused_before_a_byte_is_sent(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3 + 1)
    offsets = _offsets(page)
    _choose(page, path)
    refused = _uploads(page, "failed")
    expect(refused.get_by_test_id("upload-reason")).to_contain_text("at most 2,147,483,648 bytes")
    expect(refused.get_by_test_id("upload-retry")).to_be_hidden()
    expect(page.get_by_test_id("announcer")).to_contain_text("huge.bin was not uploaded.")
    _send(page, "anyway")
    expect(page.get_by_test_id("composer-error")).to_contain_text("Retry or remove")
    expect(page.get_by_test_id("composer")).to_have_value("anyway")
    page.get_by_role("button", name="Remove huge.bin").click()
    expect(page.get_by_test_id("composer-error")).to_be_hidden()
    assert offsets == []


def test_what_the_server_refuses_is_said_and_can_be_tried_again(page: Page, tmp_path: Path) -> None:
    answer = {
        "status": 413,
        "content_type": "application/problem+json",
        "body": '{"code": "quota_exceeded", "detail": "Your files fill all your room."}',
    }
    page.route("**/api/files/", lambda route: route.fulfill(**answer), times=1)
    _choose(page, _file(tmp_path, "notes.txt", b"notes"))
    expect(_uploads(page, "failed").get_by_test_id("upload-reason")).to_have_text(
        "Your files fill all your room."
    )
    _uploads(page).get_by_test_id("upload-retry").click()
    expect(_uploads(page, "done")).to_have_count(1)
    expect(page.get_by_test_id("announcer")).to_have_text("notes.txt is uploaded.")


def test_after_a_reload_what_is_there_stays_and_the_rest_goes_on_with_the_same_file(
    page: Page, chat: Chat, large: Path, tmp_path: Path
) -> None:
    small = _file(tmp_path, "small.txt", b"small")
    _choose(page, small)
    expect(_uploads(page, "done")).to_have_count(1)
    _slow(page)
    _choose(page, large)
    _under_way(page)
    page.reload()
    live(page)
    lost = _uploads(page, "lost")
    expect(lost.get_by_test_id("upload-reason")).to_have_text("Choose the file again to go on.")
    expect(_uploads(page, "done")).to_contain_text("small.txt")
    offsets = _offsets(page)
    with page.expect_file_chooser() as choosing:
        lost.get_by_test_id("upload-choose").click()
    choosing.value.set_files(large)
    expect(_uploads(page, "done")).to_have_count(2, timeout=20_000)
    assert min(offsets) > 0
    _send(page)
    files = _sent_files(chat, 2)
    assert [file["name"] for file in files] == [small.name, large.name]
    assert _content(chat.erin, files[1]["id"]) == large.read_bytes()


def test_a_reworded_message_keeps_the_files_that_the_reader_keeps(
    page: Page, chat: Chat, tmp_path: Path
) -> None:
    _choose(page, _file(tmp_path, "one.csv", b"1"), _file(tmp_path, "two.csv", b"2"))
    expect(_uploads(page, "done")).to_have_count(2)
    _send(page, "compare")
    _sent_files(chat, 2)
    chat.erin.quiet(chat.id)
    message = page.get_by_test_id("message-user").last
    message.hover()
    message.get_by_test_id("message-edit").click()
    field = page.get_by_test_id("edit-field").locator("visible=true")
    expect(field).to_have_value("compare")
    page.get_by_role("button", name="Leave out one.csv").click()
    field.fill("only this one")
    field.press("Enter")
    reworded = page.get_by_test_id("message-user").last
    expect(reworded.locator(".bubble")).to_have_text("only this one")
    expect(reworded.locator(".message-files").first.get_by_test_id("file-chip")).to_have_text(["two.csv"])
    assert _downloaded(page, reworded.get_by_test_id("file-chip").first) == ("two.csv", b"2")


def test_what_is_given_back_unsent_keeps_its_files(
    page: Page, chat: Chat, cable: Cable, tmp_path: Path
) -> None:
    _choose(page, _file(tmp_path, "kept.txt", b"kept"))
    expect(_uploads(page, "done")).to_have_count(1)
    cable.refuse()
    _send(page, "later")
    page.locator(".send-failed").get_by_role("button", name="Edit").click()
    expect(page.get_by_test_id("composer")).to_have_value("later")
    expect(_uploads(page, "done")).to_contain_text("kept.txt")
    cable.mend()
    live(page)
    _send(page, "now")
    assert _content(chat.erin, _sent_files(chat)[0]["id"]) == b"kept"


def test_a_strangers_file_and_one_that_is_gone_are_refused_in_words(
    page: Page, chat: Chat, bob: Person, house: House
) -> None:
    others, gone = (_uploaded(person, "secret.txt", b"secret") for person in (bob, chat.erin))
    assert chat.erin.http.get(f"/files/{others}/").status_code == 404
    house.manage(
        "shell",
        "-c",
        "from agents_app.models import StoredFile; from django.utils import timezone;"
        f"StoredFile.objects.filter(pk='{gone}').update(expires_at=timezone.now())",
    )
    chat.say(f"[others](/files/{others}/) and [gone](/files/{gone}/) here")
    chips = page.get_by_test_id("message-user").last.get_by_test_id("file-chip")
    expect(chips).to_have_count(2)
    chips.first.click()
    expect(page.get_by_test_id("toast")).to_contain_text("There is no such file of yours")
    chips.last.press("Enter")
    expect(page.get_by_test_id("toast").last).to_contain_text("kept for some days only and is gone")
    chat.erin.quiet(chat.id)


def _uploaded(person: Person, name: str, content: bytes) -> str:
    """Upload a file by REST and return its id."""
    announced = (
        person.http.post("/api/files/", json={"name": name, "size": len(content)}).raise_for_status().json()
    )
    headers = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    person.http.patch(announced["upload_url"], content=content, headers=headers).raise_for_status()
    return str(announced["file_id"])


def test_a_card_has_the_files_that_work_delivered(page: Page, chat: Chat) -> None:
    work = str(chat.erin.call(chat.id, "probe_deliver", count=22, size=1500)["subagent_id"])
    chat.at_rest(work)
    delivered = card(page, "succeeded").get_by_test_id("delivered")
    expect(delivered.get_by_test_id("delivered-file")).to_have_count(20)
    first = delivered.get_by_test_id("delivered-file").first
    expect(first).to_contain_text("1.5 kB · TXT file")
    known = chat.erin.subagent(work)["files"][0]
    name, content = _downloaded(page, first)
    assert (name, hashlib.sha256(content).hexdigest()) == ("0.txt", known["sha256"])
    chat.assert_right(page)
    rest = delivered.get_by_test_id("file-rest")
    expect(rest).to_have_text("Show 2 more")
    rest.click()
    names = delivered.get_by_test_id("delivered-file").locator(".file-name")
    expect(names).to_have_text([f"{number}.txt" for number in range(22)])
    expect(rest).to_be_hidden()


def test_the_cards_of_cancelled_and_failed_work_have_what_was_delivered_before(
    page: Page, chat: Chat
) -> None:
    chat.erin.call(chat.id, "probe_deliver", fail="probe_failed")
    work = str(chat.erin.call(chat.id, "probe_deliver", count=2, seconds=60)["subagent_id"])
    chat.erin.running(work)
    chat.erin.http.post(f"/api/subagents/{work}/cancel/").raise_for_status()
    for state, names in (("failed", ["0.txt"]), ("cancelled", ["0.txt", "1.txt"])):
        found = card(page, state).get_by_test_id("delivered-file").locator(".file-name")
        expect(found).to_have_text(names, timeout=20_000)
    chat.erin.quiet(chat.id)


def test_attaching_needs_no_mouse(page: Page, tmp_path: Path) -> None:
    # The browser has to know early that no picker is to be shown.
    with page.expect_file_chooser() as choosing:
        page.get_by_test_id("composer").focus()
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("button", name="Attach files")).to_be_focused()
        page.keyboard.press("Enter")
    choosing.value.set_files(_file(tmp_path, "keys.txt", b"keys"))
    expect(_uploads(page, "done")).to_have_count(1)
    expect(page.get_by_test_id("composer")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Remove keys.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(_uploads(page)).to_have_count(0)
    expect(page.get_by_test_id("announcer")).to_have_text("keys.txt is removed.")
