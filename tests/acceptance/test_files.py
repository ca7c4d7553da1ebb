"""Files through a whole installation: large ones, cut ones, those of work that dies or is cancelled."""

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.house import House, Person, wait_for

MIB = 1024 * 1024
BLOCK = hashlib.sha256(b"a large file").digest() * (MIB // 32)


def _announced(person: Person, size: int, **more: Any) -> dict[str, Any]:
    answer = person.http.post("/api/files/", json={"name": "large.bin", "size": size, **more})
    return dict(answer.raise_for_status().json())


def _send(person: Person, file: dict[str, Any], offset: int, body: Any) -> httpx.Response:
    headers = {"Upload-Offset": str(offset)}
    return person.http.patch(file["upload_url"], content=body, headers=headers, timeout=60)


def _state(person: Person, file: dict[str, Any]) -> dict[str, Any]:
    return dict(person.http.get(f"/api/files/{file['file_id']}/").raise_for_status().json())


def _store(house: House) -> Path:
    return house.folder / "media" / "files"


def _memory_mib(house: House) -> float:
    """Return the most memory that a web process has had, in MiB."""
    status = Path(f"/proc/{house.process_named('web')}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def test_a_large_file_arrives_byte_for_byte_in_little_memory(ann: Person, house: House) -> None:
    count = 200
    before = _memory_mib(house)
    sha256 = hashlib.sha256(BLOCK * count).hexdigest()
    file = _announced(ann, count * MIB, sha256=sha256)
    told = _send(ann, file, 0, (BLOCK for _ in range(count))).raise_for_status().json()
    assert (told["state"], told["sha256"]) == ("ready", sha256)
    assert _memory_mib(house) - before < 40
    with (_store(house) / file["file_id"]).open("rb") as stored:
        assert hashlib.file_digest(stored, "sha256").hexdigest() == sha256
    received = hashlib.sha256()
    with ann.http.stream("GET", told["download_url"]) as answer:
        for piece in answer.iter_bytes():
            received.update(piece)
    assert received.hexdigest() == sha256
    assert _memory_mib(house) - before < 40
    ann.http.delete(f"/api/files/{file['file_id']}/")
    assert not (_store(house) / file["file_id"]).exists()


class _Cable(Exception):
    """It was pulled."""


def _torn() -> Iterator[bytes]:
    for _ in range(3):
        yield BLOCK
    raise _Cable


def test_an_upload_that_was_torn_goes_on_where_it_was_cut(ann: Person) -> None:
    file = _announced(ann, 5 * MIB)
    with pytest.raises(_Cable):
        _send(ann, file, 0, _torn())
    received = wait_for("what arrived counts", lambda: _state(ann, file)["received"])
    assert 0 < received <= 3 * MIB
    told = _send(ann, file, received, (BLOCK * 5)[received:]).raise_for_status().json()
    assert told["sha256"] == hashlib.sha256(BLOCK * 5).hexdigest()


def test_an_upload_survives_the_death_of_the_web_process(ann: Person, house: House) -> None:
    file = _announced(ann, 30 * MIB)

    def until_killed() -> Iterator[bytes]:
        for number in range(30):
            if number == 20:
                wait_for("some of it counts", lambda: _received(house, ann, file) >= 8 * MIB)
                os.kill(house.process_named("web"), signal.SIGKILL)
            yield BLOCK

    with pytest.raises(httpx.TransportError):
        _send(ann, file, 0, until_killed())
    received = wait_for("the web process is back", lambda: _received(house, ann, file))
    assert 8 * MIB <= received < 30 * MIB
    told = _send(ann, file, received, (BLOCK * 30)[received:]).raise_for_status().json()
    assert told["sha256"] == hashlib.sha256(BLOCK * 30).hexdigest()


def _received(house: House, person: Person, file: dict[str, Any]) -> int:
    try:
        with httpx.Client(base_url=house.url, headers=person.headers) as another:
            return int(another.get(f"/api/files/{file['file_id']}/").json()["received"])
    except httpx.TransportError:
        return 0


def test_a_body_that_is_too_large_is_refused_before_it_is_stored(ann: Person, house: House) -> None:
    answer = ann.http.post(
        "/api/sessions/",
        content=b'{"title": "' + b"x" * 3 * MIB,
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_of_work_that_died_only_the_second_attempts_files_are_there(ann: Person, house: House) -> None:
    before = set(_store(house).iterdir())
    session = ann.session()
    subagent_id = ann.call(session, "probe_deliver", count=3, die=True)["subagent_id"]
    ended = ann.ended(subagent_id, 20)
    assert (ended["state"], ended["attempt"], ended["files_total"]) == ("succeeded", 2, 3)
    for file in ended["files"]:
        assert ann.http.get(file["download_url"]).text.startswith(f"{subagent_id}-2")
    added = set(_store(house).iterdir()) - before
    assert {path.name for path in added} == {file["file_id"] for file in ended["files"]}
    listed = ann.http.get("/api/files/", params={"session_id": session}).json()["results"]
    assert len(listed) == 3


def _with_files(person: Person, subagent_id: str, count: int) -> dict[str, Any] | None:
    subagent = person.subagent(subagent_id)
    return subagent if subagent["files_total"] == count else None


def test_cancelled_work_keeps_what_it_delivered(ann: Person, bob: Person) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe_deliver", count=2, seconds=60)["subagent_id"]
    running = wait_for("both are there", lambda: _with_files(ann, subagent_id, 2))
    assert running["state"] == "running"
    ann.http.post(f"/api/subagents/{subagent_id}/cancel/").raise_for_status()
    ended = ann.ended(subagent_id)
    assert (ended["state"], ended["files_total"]) == ("cancelled", 2)
    told = [event for event in ann.events(session) if event["kind"] == "subagent.cancelled"]
    assert [file["name"] for file in told[0]["payload"]["files"]] == ["0.txt", "1.txt"]
    address = ended["files"][0]["download_url"]
    assert ann.http.get(address).status_code == 200
    assert bob.http.get(address).status_code == 404


def test_a_file_that_work_delivered_goes_on_to_the_next_tool(ann: Person) -> None:
    session = ann.session()
    delivered = ann.ended(ann.call(session, "probe_deliver", size=2 * MIB)["subagent_id"])["files"][0]
    work = ann.call(session, "probe_file", file=delivered["file_id"])
    ended = ann.ended(work["subagent_id"])  # it is heavy by the size of the file
    assert ended["result"]["data"] == {"size": 2 * MIB, "sha256": delivered["sha256"]}
    assert ended["title"] == "Probe file: 0.txt"
