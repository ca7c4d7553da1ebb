"""Archives of chats by REST, made by real workers."""

import io
import json
import time
from zipfile import ZipFile

import pytest

from tests.acceptance.house import House, Person, events_until
from tests.conformity import assert_conforms


@pytest.fixture(scope="module")
def zoe(house: House) -> Person:
    """Somebody with three chats: nobody else's test adds one."""
    person = house.user("zoe-of-archives")
    for title in ("First", "Größe/中文", "Third"):
        session = person.http.post("/api/sessions/", json={"title": title}).raise_for_status().json()["id"]
        person.say(session, f"/system {title} said this")
        person.quiet(session)
    return person


def test_all_chats_are_one_zip_that_is_downloaded_and_followed(zoe: Person) -> None:
    chats = [row["id"] for row in zoe.http.get("/api/sessions/").json()["results"]]
    asked = zoe.http.post("/api/exports/", json={"session_ids": "all", "format": "pdf"})
    assert asked.status_code == 202, asked.text
    shown_in = asked.json()["session_id"]
    with zoe.feed(shown_in) as socket:
        for event in events_until(socket, "export.completed"):
            assert_conforms(event)
    export = zoe.http.get(f"/api/exports/{asked.json()['export_id']}/").json()
    assert (export["session_count"], export["is_archive"], export["format"]) == (3, True, "pdf")
    download = zoe.http.get(export["download_url"])
    assert download.headers["Content-Type"] == "application/zip"
    assert export["file_name"].startswith("3-chats-")
    with ZipFile(io.BytesIO(download.content)) as archive:
        index = json.loads(archive.read("index.json"))
        assert [entry["id"] for entry in index["chats"]] == chats
        assert [entry["file"] for entry in index["chats"]] == ["Third.pdf", "Größe-中文.pdf", "First.pdf"]
        assert all(archive.read(entry["file"]).startswith(b"%PDF-") for entry in index["chats"])
    assert zoe.snapshot(shown_in)["title"] == "Export of 3 chats"


def test_an_archive_that_is_waited_for_is_ready(zoe: Person) -> None:
    chats = [row["id"] for row in zoe.http.get("/api/sessions/").json()["results"]][-2:]
    body = {"session_ids": chats, "session_id": chats[0], "format": "markdown"}
    export = zoe.http.post("/api/exports/", params={"wait": 20}, json=body).json()
    assert (export["state"], export["session_id"]) == ("succeeded", chats[0])


def test_a_running_archive_is_cancelled_within_seconds_and_leaves_nothing(zoe: Person) -> None:
    body = {"session_ids": "all", "format": "pdf"}
    export = zoe.http.post("/api/exports/", json=body).json()
    began = time.monotonic()
    zoe.http.post(f"/api/subagents/{export['subagent_id']}/cancel/").raise_for_status()
    ended = zoe.ended(export["subagent_id"])
    assert time.monotonic() - began < 5
    assert ended["state"] == "cancelled"
    assert zoe.http.get(f"/exports/{export['export_id']}/").status_code in (409, 410)


def test_all_chats_are_asked_for_in_words_and_by_command(zoe: Person) -> None:
    session = zoe.session()
    for words in ("export all my chats as json", "/export json all"):
        with zoe.feed(session, after=zoe.snapshot(session)["last_seq"]) as socket:
            zoe.say(session, words)
            told = events_until(socket, "export.completed")[-1]["payload"]
        assert (told["is_archive"], told["format"], told["session_id"]) == (True, "json", session)
        zoe.quiet(session)
