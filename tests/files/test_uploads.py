"""Uploads arrive whole, however often they are cut, and take no more room than they may."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from knox.models import AuthToken
from rest_framework.test import APIClient

from agents_app.files import arriving, receiving
from agents_app.models import StoredFile
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.files.wire import Request, piece
from tests.sessions.sockets import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("async_views")]
CONTENT = b"id,name\n" + b"1,x\n" * 50_000
File = dict[str, Any]


@pytest.fixture
def token(ann: Any) -> str:
    """An API token of ann's."""
    return str(AuthToken.objects.create(ann)[1])


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """A REST client of ann's."""
    return client_of(ann)


@pytest.fixture
def file(client: APIClient) -> File:
    """An announced upload of ann's."""
    return dict(client.post("/api/files/", {"name": "table.csv", "size": len(CONTENT)}).json())


async def _state(client: APIClient, file: File) -> File:
    answer = await in_thread(lambda: client.get(f"/api/files/{file['file_id']}/"))
    return dict(answer.json())


def test_an_announced_file_says_where_its_bytes_go(file: File) -> None:
    assert (file["state"], file["received"], file["sha256"]) == ("receiving", 0, "")
    assert file["upload_url"] == f"/api/files/{file['file_id']}/content/"
    assert file["download_url"] is None


async def test_a_file_in_pieces_is_ready_with_the_last_byte(file: File, token: str, store: Path) -> None:
    status, told = await piece(token, file, 0, CONTENT[:1000], CONTENT[1000:90_000])
    assert (status, told["received"], told["state"]) == (200, 90_000, "receiving")
    status, told = await piece(token, file, 90_000, CONTENT[90_000:])
    assert (status, told["received"], told["state"]) == (200, len(CONTENT), "ready")
    assert told["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert told["content_type"] == "text/csv"
    assert told["download_url"] == f"/files/{file['file_id']}/"
    assert (store / file["file_id"]).read_bytes() == CONTENT


async def test_of_a_body_that_is_cut_off_what_arrived_is_kept(
    file: File, token: str, client: APIClient, store: Path
) -> None:
    request = Request("PATCH", file["upload_url"], token, upload_offset="0")
    await request.send(CONTENT[:5000])
    await request.go_away()
    status, told = await request.answer()
    assert (status, told["code"], told["received"]) == (408, "upload_cut", 5000)
    assert (await _state(client, file))["received"] == 5000
    status, _ = await piece(token, file, 5000, CONTENT[5000:])
    assert status == 200
    assert (store / file["file_id"]).read_bytes() == CONTENT


async def test_a_client_that_sends_nothing_more_is_not_waited_for(
    file: File, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "IDLE_SECONDS", 0.2)
    request = Request("PATCH", file["upload_url"], token, upload_offset="0")
    await request.send(CONTENT[:10])
    status, told = await request.answer()
    assert (status, told["received"]) == (408, 10)


async def test_bytes_beyond_what_counts_are_written_over(
    file: File, token: str, store: Path, client: APIClient
) -> None:
    await piece(token, file, 0, CONTENT[:100])
    with open(store / file["file_id"], "ab") as torn:  # as a process leaves it that was killed
        torn.write(b"?" * 70)
    await piece(token, file, 100, CONTENT[100:])
    assert (store / file["file_id"]).read_bytes() == CONTENT


async def test_bytes_that_the_disk_has_lost_are_asked_for_again(file: File, token: str, store: Path) -> None:
    await piece(token, file, 0, CONTENT[:100])
    os.truncate(store / file["file_id"], 40)
    status, told = await piece(token, file, 100, CONTENT[100:])
    assert (status, told["code"], told["received"]) == (409, "wrong_offset", 40)
    status, told = await piece(token, file, 40, CONTENT[40:])
    assert told["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("offset", [0, 99, 101, 10**15])
async def test_a_piece_at_the_wrong_place_is_told_the_right_one(
    file: File, token: str, offset: int, store: Path
) -> None:
    await piece(token, file, 0, CONTENT[:100])
    status, told = await piece(token, file, offset, b"x")
    assert (status, told["code"], told["received"]) == (409, "wrong_offset", 100)
    assert (store / file["file_id"]).read_bytes() == CONTENT[:100]


@pytest.mark.parametrize("offset", ["", "-1", "1.5", "ten", "9" * 40])
async def test_an_offset_that_is_no_number_is_refused(file: File, token: str, offset: str) -> None:
    request = Request("PATCH", file["upload_url"], token, upload_offset=offset)
    assert (await request.answer())[1]["code"] == "invalid_offset"


async def test_of_two_pieces_at_the_same_place_one_is_taken(file: File, token: str, store: Path) -> None:
    first = Request("PATCH", file["upload_url"], token, upload_offset="0")
    await first.send(CONTENT[:100])
    async with asyncio.timeout(5):
        while not (store / file["file_id"]).exists():
            await asyncio.sleep(0.01)
    status, told = await piece(token, file, 0, b"z" * len(CONTENT))
    assert (status, told["code"]) == (409, "upload_busy")
    await first.send(CONTENT[100:], more=False)
    assert (await first.answer())[0] == 200
    assert (store / file["file_id"]).read_bytes() == CONTENT


async def test_many_who_send_the_same_pieces_make_one_right_file(
    file: File, token: str, store: Path, client: APIClient
) -> None:
    async def sends() -> None:
        state = await _state(client, file)
        while state["state"] == "receiving":
            begin = state["received"]
            await piece(token, file, begin, CONTENT[begin : begin + 40_000])
            state = await _state(client, file)

    await asyncio.gather(*(sends() for _ in range(4)))
    assert (store / file["file_id"]).read_bytes() == CONTENT


async def test_more_than_was_announced_is_refused(file: File, token: str, client: APIClient) -> None:
    status, told = await piece(token, file, 0, CONTENT, b"more")
    assert (status, told["code"]) == (413, "file_too_large")
    assert (await _state(client, file))["state"] == "receiving"


async def test_more_than_was_announced_is_refused_before_it_is_sent(file: File, token: str) -> None:
    length = str(len(CONTENT) + 1)
    request = Request("PATCH", file["upload_url"], token, upload_offset="0", content_length=length)
    assert (await request.answer())[1]["code"] == "file_too_large"


async def test_what_was_written_counts_from_time_to_time(
    file: File, token: str, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "STORED_EACH_BYTES", 1000)
    request = Request("PATCH", file["upload_url"], token, upload_offset="0")
    await request.send(CONTENT[:1500])
    async with asyncio.timeout(5):
        while (await _state(client, file))["received"] != 1500:
            await asyncio.sleep(0.01)
    await request.go_away()
    await request.answer()


async def test_a_wrong_checksum_begins_the_file_anew(client: APIClient, token: str) -> None:
    wish = {"name": "a.txt", "size": 3, "sha256": hashlib.sha256(b"abc").hexdigest().upper()}
    file = (await in_thread(lambda: client.post("/api/files/", wish))).json()
    status, told = await piece(token, file, 0, b"abd")
    assert (status, told["code"], told["received"]) == (422, "checksum_mismatch", 0)
    status, told = await piece(token, file, 0, b"abc")
    assert (status, told["state"]) == (200, "ready")


async def test_a_file_that_is_deleted_while_it_arrives_stays_deleted(
    file: File, token: str, client: APIClient, store: Path
) -> None:
    request = Request("PATCH", file["upload_url"], token, upload_offset="0")
    await request.send(CONTENT[:100])
    async with asyncio.timeout(5):
        while not (store / file["file_id"]).exists():
            await asyncio.sleep(0.01)
    await in_thread(lambda: client.delete(f"/api/files/{file['file_id']}/"))
    await request.send(b"", more=False)
    assert (await request.answer())[0] == 404
    assert not list(store.iterdir())


async def test_a_body_that_was_sent_already_adds_nothing_to_a_ready_file(file: File, token: str) -> None:
    await piece(token, file, 0, CONTENT)
    status, told = await piece(token, file, len(CONTENT), b"")
    assert (status, told["state"]) == (200, "ready")
    status, told = await piece(token, file, len(CONTENT), b"x")
    assert (status, told["code"]) == (413, "file_too_large")


def test_an_empty_file_is_ready_at_once(client: APIClient, store: Path) -> None:
    told = client.post("/api/files/", {"name": "empty", "size": 0}).json()
    assert (told["state"], told["sha256"]) == ("ready", hashlib.sha256(b"").hexdigest())
    assert (store / told["file_id"]).read_bytes() == b""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\Über uns.docx", "Über uns.docx"),
        ("a\x00b\r\nc\x1b[31m.txt", "ab c[31m.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("..", "file"),
        ("a/", "file"),
        ("\u200b", "file"),
        ("x" * 400 + ".tar.gz", "x" * 248 + ".tar.gz"),
        ("🙂.txt", "🙂.txt"),
    ],
)
def test_names_are_cleaned(client: APIClient, given: str, kept: str) -> None:
    answer = client.post("/api/files/", {"name": given, "size": 1})
    if answer.status_code == 400:  # the REST framework takes no NUL
        answer = client.post("/api/files/", {"name": given.replace("\x00", ""), "size": 1})
    assert answer.json()["name"] == kept


@pytest.mark.parametrize(
    "wish", [{}, {"name": "a"}, {"name": "a", "size": -1}, {"name": "a", "size": 1, "sha256": "0"}]
)
def test_an_announcement_that_says_too_little_is_refused(client: APIClient, wish: Any) -> None:
    answer = client.post("/api/files/", wish)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_a_file_over_the_limit_is_refused(client: APIClient, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    answer = client.post("/api/files/", {"name": "a", "size": 101})
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert client.post("/api/files/", {"name": "a", "size": 100}).status_code == 201


def test_announced_files_count_against_the_quota(client: APIClient, settings: Any) -> None:
    settings.FILES_USER_MAX_BYTES = 100
    first = client.post("/api/files/", {"name": "a", "size": 60}).json()
    answer = client.post("/api/files/", {"name": "b", "size": 41})
    assert (answer.status_code, answer.json()["code"]) == (413, "quota_exceeded")
    assert answer.json()["free_bytes"] == 40
    client.delete(f"/api/files/{first['file_id']}/")
    assert client.post("/api/files/", {"name": "b", "size": 41}).status_code == 201


def test_two_who_announce_at_once_do_not_exceed_the_quota(
    ann: Any, settings: Any, together: Callable[..., list[Any]]
) -> None:
    settings.FILES_USER_MAX_BYTES = 100

    def announce() -> bool:
        try:
            receiving.announce(ann.pk, "a", 60)
        except Refusal:
            return False
        return True

    assert sorted(together(*[announce] * 4)) == [False, False, False, True]


def test_the_list_has_the_newest_first_and_by_session(
    client: APIClient, ann: Any, session: ChatSession
) -> None:
    for number in range(3):
        wish = {"name": f"{number}", "size": 1}
        if number == 1:
            wish["session_id"] = str(session.pk)
        client.post("/api/files/", wish)
    names = [file["name"] for file in client.get("/api/files/").json()["results"]]
    assert names == ["2", "1", "0"]
    of_session = client.get(f"/api/files/?session_id={session.pk}").json()["results"]
    assert [file["name"] for file in of_session] == ["1"]


def test_a_file_is_announced_for_an_own_session_only(client: APIClient, bob: Any) -> None:
    other = lifecycle.start(bob)
    answer = client.post("/api/files/", {"name": "a", "size": 1, "session_id": str(other.pk)})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not StoredFile.objects.exists()


def test_a_deleted_file_leaves_nothing(client: APIClient, ann: Any, store: Path) -> None:
    stored = receiving.announce(ann.pk, "a", 0)
    assert client.delete(f"/api/files/{stored.pk}/").status_code == 204
    assert client.get(f"/api/files/{stored.pk}/").status_code == 404
    assert not list(store.iterdir())


async def test_a_body_over_the_bound_is_refused_before_it_is_read(token: str, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    request = Request("POST", "/api/files/", token, content_type="application/json")
    await request.send(b"x" * 700)
    await request.send(b"x" * 700)
    status, told = await request.answer()
    assert (status, told["code"]) == (413, "request_too_large")


async def test_a_body_in_chunks_of_untold_length_is_read(token: str) -> None:
    request = Request(
        "POST", "/api/files/", token, content_type="application/json", transfer_encoding="chunked"
    )
    await request.send(b'{"name": "a", ')
    await request.send(b'"size": 1}', more=False)
    status, told = await request.answer()
    assert (status, told["name"], told["size"]) == (201, "a", 1)


async def test_a_body_in_chunks_is_bounded_too(token: str, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    request = Request(
        "POST", "/api/files/", token, content_type="application/json", transfer_encoding="chunked"
    )
    await request.send(b"x" * 700)
    await request.send(b"x" * 700)
    status, told = await request.answer()
    assert (status, told["code"]) == (413, "request_too_large")


def test_another_site_cannot_upload_with_a_users_cookie(ann: Any, file: File) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(ann)
    answer = browser.patch(file["upload_url"], b"x", content_type="text/plain", HTTP_UPLOAD_OFFSET="0")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert StoredFile.objects.get().received == 0


async def test_a_disk_that_becomes_full_keeps_what_is_there_and_says_so(
    file: File, token: str, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = receiving.Reception.write

    def fills_up(reception: receiving.Reception, piece: bytes) -> None:
        write(reception, piece[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(receiving.Reception, "write", fills_up)
    status, told = await piece(token, file, 0, CONTENT[:100])
    assert (status, told["code"], told["received"]) == (507, "storage_full", 3)
    assert (await _state(client, file))["received"] == 3


async def test_a_store_that_cannot_be_written_to_is_told(file: File, token: str, store: Path) -> None:
    (store / file["file_id"]).mkdir()
    status, told = await piece(token, file, 0, CONTENT[:100])
    assert (status, told["code"]) == (507, "storage_full")
