"""Exports whose processes are killed, or whose chat is deleted: told in words, nothing half left."""

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.house import House, Person, wait_for

WORDS = "**Said** and `done`: " + "a word of it " * 10


@pytest.fixture(scope="module")
def dora(house: House) -> Person:
    """A user with a long chat."""
    return house.user("dora-of-deaths")


@pytest.fixture
def long_chat(dora: Person) -> str:
    """A chat that takes some seconds to become a PDF."""
    messages = [{"role": "user", "content": f"{number}. {WORDS}"} for number in range(3000)]
    document = {
        "schema_version": 2,
        "session": {"title": "Long"},
        "messages": messages,
        "tool_calls": [],
        "subagents": [],
    }
    return str(dora.http.post("/api/sessions/import/", json=document).raise_for_status().json()["id"])


@pytest.fixture
def typesetting(house: House, dora: Person, long_chat: str) -> Iterator[dict[str, Any]]:
    """An export whose pages are being set; `pid` is the process that does it."""
    body = {"session_id": long_chat, "format": "pdf"}
    from_seq = dora.snapshot(long_chat)["last_seq"]
    export = dora.http.post("/api/exports/", json=body).raise_for_status().json()
    pid = wait_for("pages are set", lambda: _setters(house, export))[0]
    yield export | {"pid": pid, "from_seq": from_seq}
    dora.http.post(f"/api/subagents/{export['subagent_id']}/cancel/")


def _setters(house: House, export: dict[str, Any]) -> list[int]:
    return [pid for pid in house.processes_with(export["subagent_id"]) if pid != os.getpid()]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _files(house: House, export: dict[str, Any]) -> list[Path]:
    return list((house.folder / "media" / "exports").glob(f"{export['export_id']}*"))


def _assert_no_leftovers(house: House, export: dict[str, Any]) -> None:
    assert _setters(house, export) == []
    assert _folders(house, export) == []


def test_a_killed_renderer_fails_the_export_and_its_user_sees_why(
    house: House, dora: Person, long_chat: str, typesetting: dict[str, Any]
) -> None:
    os.kill(typesetting["pid"], signal.SIGKILL)
    dora.ended(typesetting["subagent_id"])
    export = dora.http.get(f"/api/exports/{typesetting['export_id']}/").json()
    sentence = "What makes the PDF was killed; the server may be short of memory."
    assert (export["state"], export["error"]) == ("failed", {"code": "pdf_failed", "message": sentence})
    address, after = f"/api/sessions/{long_chat}/events/", {"after": typesetting["from_seq"]}
    events = dora.http.get(address, params=after).raise_for_status().json()
    (told,) = [event["payload"] for event in events if event["kind"] == "export.failed"]
    assert (told["error"]["message"], told["download_url"]) == (sentence, None)
    download = dora.http.get(f"/exports/{typesetting['export_id']}/")
    assert (download.status_code, download.json()["code"]) == (410, "export_failed")
    assert download.json()["error"]["message"] == sentence
    assert _files(house, typesetting) == []
    _assert_no_leftovers(house, typesetting)


def test_a_killed_worker_child_makes_the_export_again_whole(
    house: House, dora: Person, typesetting: dict[str, Any]
) -> None:
    os.kill(_parent(typesetting["pid"]), signal.SIGKILL)
    ended = dora.ended(typesetting["subagent_id"], 60)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 2)
    export = dora.http.get(f"/api/exports/{typesetting['export_id']}/").json()
    body = dora.http.get(export["download_url"]).raise_for_status().content
    assert (len(body), hashlib.sha256(body).hexdigest()) == (export["file_size"], export["sha256"])
    assert body.startswith(b"%PDF-")
    assert len(_files(house, typesetting)) == 1
    wait_for("the first attempt's folder goes", lambda: not _folders(house, typesetting))
    _assert_no_leftovers(house, typesetting)


def _folders(house: House, export: dict[str, Any]) -> list[str]:
    return [name for name in house.work_folders() if name.startswith(export["subagent_id"])]


def test_a_chat_that_is_deleted_in_mid_export_leaves_nothing(
    house: House, dora: Person, long_chat: str, typesetting: dict[str, Any]
) -> None:
    dora.http.delete(f"/api/sessions/{long_chat}/").raise_for_status()
    assert dora.http.get(f"/exports/{typesetting['export_id']}/").status_code == 404
    wait_for("its processes end", lambda: not _setters(house, typesetting))
    wait_for("its folder goes", lambda: not _folders(house, typesetting))
    assert _files(house, typesetting) == []
    assert dora.http.get(f"/api/exports/{typesetting['export_id']}/").status_code == 404
