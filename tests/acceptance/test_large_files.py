"""A large file in a running installation: uploaded, worked on, its worker killed, its result downloaded."""

import os
import signal

from tests.acceptance.house import House, Person, wait_for

TABLE = b"number,word\n" + b"12345,some words\n" * 1_500_000


def _upload(person: Person, name: str, content: bytes) -> str:
    body = {"name": name, "size": len(content)}
    file_id = str(person.http.post("/api/files/", json=body).raise_for_status().json()["file_id"])
    address, headers = f"/api/files/{file_id}/content/", {"Upload-Offset": "0"}
    person.http.patch(address, content=content, headers=headers).raise_for_status()
    return file_id


def _reading(house: House) -> list[int]:
    return [int(pid) for pid in house.processes_with("agents_app.large_files.working")]


def test_an_uploaded_table_is_converted_also_when_its_worker_is_killed(house: House, ann: Person) -> None:
    file_id = _upload(ann, "table.csv", TABLE)
    called = ann.call(ann.session(), "process_large_file", file=file_id, operation="convert", to="jsonl")
    inner = wait_for("the file is read", lambda: _reading(house))
    os.kill(os.getpgid(inner[0]), signal.SIGKILL)
    ended = ann.ended(called["subagent_id"], 60)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 2), ended
    (file,) = ended["files"]
    assert file["name"] == "table.jsonl"
    content = ann.http.get(file["download_url"]).raise_for_status().content
    assert content.count(b"\n") == 1_500_000
    assert content.startswith(b'{"number":12345,"word":"some words"}\n')
    assert _reading(house) == []


def test_the_demo_agent_summarizes_a_file_that_a_message_links(house: House, ann: Person) -> None:
    file_id = _upload(ann, "small table.csv", TABLE[:20_000])
    session = ann.session()
    ann.say(session, f"summarize [small table.csv](/files/{file_id}/)")
    ann.quiet(session)

    def results() -> list[str]:
        messages = ann.snapshot(session)["messages"]
        return [message["content"] for message in messages if message["role"] == "subagent"]

    (result,) = wait_for("the result is a message", results, 40)
    assert "| Rows | 1,176 |" in result


def test_another_users_file_is_like_none(house: House, ann: Person) -> None:
    ruth = house.user("ruth")  # bob is to have no session in test_worlds.py
    file_id = _upload(ann, "mine.csv", TABLE[:2000])
    body = {"session_id": ruth.session(), "args": {"file": file_id, "operation": "count"}}
    answer = ruth.http.post("/api/tools/process_large_file/execute/", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")
