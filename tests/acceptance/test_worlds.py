"""Two users are two worlds, and bad input loses nothing."""

from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.house import House, Person
from tests.git_server import GitServer


def test_nothing_of_one_user_is_seen_or_touched_by_another(ann: Person, bob: Person) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=0)["subagent_id"]
    message = ann.say(session, "export as json")
    export = None
    ann.ended(subagent_id)
    ann.quiet(session)
    export = ann.http.get("/api/exports/", params={"session_id": session}).json()["results"][0]
    reads = [
        f"/api/sessions/{session}/",
        f"/api/sessions/{session}/messages/",
        f"/api/sessions/{session}/messages/{message['message_id']}/",
        f"/api/sessions/{session}/events/",
        f"/api/subagents/{subagent_id}/",
        f"/api/exports/{export['export_id']}/",
        f"/exports/{export['export_id']}/",
    ]
    for path in reads:
        assert ann.http.get(path).status_code == 200, path
        assert bob.http.get(path).status_code == 404, path
    for path in (
        f"/api/sessions/{session}/stop/",
        f"/api/subagents/{subagent_id}/cancel/",
        f"/api/subagents/{subagent_id}/retry/",
    ):
        assert bob.http.post(path, json={}).status_code == 404, path
    body = {"session_id": session, "args": {"text": "x"}}
    assert bob.http.post("/api/tools/probe_fast/execute/", json=body).status_code == 404
    for path in ("/api/sessions/", "/api/subagents/", "/api/exports/"):
        assert bob.http.get(path).json()["results"] == []
    with bob.feed(session) as socket:
        _assert_closed(socket, 4404)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("analyze file:///etc", "repository_refused"),
        ("analyze ext::sh", "repository_refused"),
        ("analyze http://169.254.169.254/latest", "repository_refused"),
        ("analyze /etc", "folder_not_allowed"),
        ("export as parquet", "unsupported_format"),
        ("cancel it", "not_found"),
    ],
)
def test_a_refusal_is_told_in_the_chat_with_its_code(ann: Person, message: str, code: str) -> None:
    session = ann.session()
    ann.say(session, message)
    snapshot = ann.quiet(session)
    assert code in snapshot["messages"][-1]["content"]
    assert snapshot["subagents"] == []


def test_an_unreachable_repository_fails_with_a_code_and_can_be_retried(
    ann: Person, git_server: GitServer
) -> None:
    session = ann.session()
    ann.say(session, f"analyze {git_server.url('nowhere')}")
    subagent_id = ann.quiet(session)["subagents"][0]["subagent_id"]
    ended = ann.ended(subagent_id)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "repository_not_found")
    again = ann.http.post(f"/api/subagents/{subagent_id}/retry/")
    assert again.status_code == 202
    assert ann.ended(again.json()["subagent_id"])["state"] == "failed"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/sessions/{session}/messages/", {"content": "x" * 40_000}, 400, "message_too_long"),
        ("/api/sessions/{session}/messages/", {"content": "  "}, 400, "empty_message"),
        ("/api/sessions/{session}/messages/", {}, 400, "invalid_request"),
        ("/api/tools/nothing/execute/", {"session_id": "{session}"}, 404, "unknown_tool"),
        (
            "/api/tools/probe/execute/",
            {"session_id": "{session}", "args": {"seconds": "long"}},
            400,
            "invalid_arguments",
        ),
        (
            "/api/tools/analyze_codebase/execute/",
            {"session_id": "{session}", "args": {"repo_url": "--upload-pack=touch /tmp/x"}},
            400,
            "repository_refused",
        ),
        (
            "/api/tools/analyze_codebase/execute/",
            {"session_id": "{session}", "args": {"path": "/etc"}},
            400,
            "folder_not_allowed",
        ),
        ("/api/exports/", {"session_id": "{session}", "format": "docx"}, 400, "unsupported_format"),
        (
            "/api/subagents/",
            {"session_id": "{session}", "agent_type": "cook", "task": {}},
            400,
            "unknown_agent_type",
        ),
    ],
)
def test_bad_input_on_rest_gets_a_problem_with_a_stable_code(
    ann: Person, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    session = ann.session()
    filled = {name: session if value == "{session}" else value for name, value in body.items()}
    answer = ann.http.post(path.format(session=session), json=filled)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    snapshot = ann.snapshot(session)
    assert (snapshot["messages"], snapshot["subagents"], snapshot["exports"]) == ([], [], [])


def test_malformed_json_is_refused_on_rest_and_on_the_websocket(ann: Person) -> None:
    session = ann.session()
    answer = ann.http.post(
        f"/api/sessions/{session}/messages/", content="{bad", headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    with ann.feed(session) as socket:
        socket.send("{bad")
        frames = [socket.recv(timeout=5) for _ in range(3)]
        assert any('"malformed_json"' in str(frame) for frame in frames)
        socket.send('{"type": "ping"}')
        assert "feed.pong" in str(socket.recv(timeout=5))


def test_strangers_are_told_to_log_in(house: House) -> None:
    answer = httpx.get(f"{house.url}/api/sessions/")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert httpx.get(house.url).headers["location"].startswith("/login/")


def test_an_address_with_nothing_at_it_is_told_to_programs_and_people(ann: Person, house: House) -> None:
    answer = ann.http.get("/api/nothing/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    page = httpx.get(f"{house.url}/nothing")
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    address = f"{house.url.replace('http', 'ws')}/ws/nothing/"
    with connect(address, additional_headers=ann.headers) as socket:
        _assert_closed(socket, 4404)


def _assert_closed(socket: ClientConnection, code: int) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
