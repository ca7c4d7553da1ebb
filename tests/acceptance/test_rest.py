"""REST for programs: waiting, repeating, limiting, operating pools."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.acceptance.house import House, Person, wait_for
from tests.conformity import assert_conforms


@pytest.fixture(scope="module")
def operator(house: House) -> Person:
    """A member of staff."""
    house.manage("create_user", "olga", "--staff")
    person = Person(house, house.manage("api_token", "olga").splitlines()[-1])
    house.people.append(person)
    return person


@pytest.fixture
def restored_cap(operator: Person) -> Iterator[None]:
    """Put the cap of the tools back afterwards."""
    yield
    operator.http.patch("/api/pools/tools/", json={"cap": 3, "paused": False}).raise_for_status()


def test_a_caller_that_waits_gets_the_result_as_soon_as_it_is_there(ann: Person) -> None:
    body = {"session_id": ann.session(), "args": {"seconds": 1}}
    began = time.monotonic()
    answer = ann.http.post("/api/tools/probe/execute/", params={"wait": 20}, json=body)
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["result"]["summary"]) == ("succeeded", "Done as asked.")
    assert 1 <= time.monotonic() - began < 5


def test_a_caller_that_waited_long_enough_gets_the_handle(ann: Person) -> None:
    session = ann.session()
    body = {"session_id": session, "args": {"seconds": 30}}
    answer = ann.http.post("/api/tools/probe/execute/", params={"wait": 1}, json=body)
    assert answer.status_code == 202
    subagent_id = answer.json()["subagent_id"]
    assert ann.subagent(subagent_id)["state"] in {"queued", "admitted", "running"}
    ann.http.post(f"/api/sessions/{session}/stop/")
    ended = ann.http.get(f"/api/subagents/{subagent_id}/", params={"wait": 10}).json()
    assert ended["state"] == "cancelled"


def test_an_export_can_be_waited_for(ann: Person) -> None:
    session = ann.session()
    body = {"session_id": session, "format": "markdown"}
    export = ann.http.post("/api/exports/", params={"wait": 20}, json=body).json()
    assert export["state"] == "succeeded"
    assert "\n# Session" in ann.http.get(export["download_url"]).text


@pytest.mark.parametrize("wait", ["-1", "31", "soon", "nan"])
def test_a_wait_that_is_none_is_refused(ann: Person, wait: str) -> None:
    answer = ann.http.get(f"/api/subagents/{uuid4()}/", params={"wait": wait})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_wait")


def test_a_repeated_request_does_its_work_once(ann: Person) -> None:
    session = ann.session()
    headers = {"Idempotency-Key": str(uuid4())}
    bodies = [
        ("/api/tools/probe/execute/", {"session_id": session, "args": {"seconds": 0}}, "subagent_id"),
        ("/api/tools/probe_fast/execute/", {"session_id": session, "args": {"text": "x"}}, "call_id"),
        ("/api/exports/", {"session_id": session, "format": "json"}, "export_id"),
        (f"/api/sessions/{session}/messages/", {"content": "hello"}, "message_id"),
    ]
    for path, body, name in bodies:
        keyed = {"Idempotency-Key": f"{headers['Idempotency-Key']}-{name}"}
        first, second = (ann.http.post(path, json=body, headers=keyed).json() for _ in range(2))
        assert first[name] == second[name]
    assert len(ann.quiet(session)["subagents"]) == 2
    for event in ann.events(session):
        assert_conforms(event)


def test_a_timeout_of_the_caller_ends_the_work(ann: Person) -> None:
    body = {"session_id": ann.session(), "args": {"seconds": 60}, "timeout": 1}
    ended = ann.http.post("/api/tools/probe/execute/", params={"wait": 20}, json=body).json()
    assert (ended["state"], ended["error"]["code"]) == ("failed", "timeout")
    for event in ann.events(ended["session_id"]):
        assert_conforms(event)


@pytest.mark.usefixtures("restored_cap")
def test_a_cap_takes_effect_at_once_and_never_ends_running_work(ann: Person, operator: Person) -> None:
    operator.http.patch("/api/pools/tools/", json={"cap": 1}).raise_for_status()
    session = ann.session()
    work = [ann.call(session, "probe", seconds=3)["subagent_id"] for _ in range(3)]
    ann.running(work[0])
    assert ann.subagent(work[1])["state"] == "queued"
    operator.http.patch("/api/pools/tools/", json={"cap": 3}).raise_for_status()
    ann.running(work[1])
    ann.running(work[2])
    operator.http.patch("/api/pools/tools/", json={"cap": 1}).raise_for_status()
    assert {ann.ended(subagent_id)["state"] for subagent_id in work} == {"succeeded"}


@pytest.mark.usefixtures("restored_cap")
def test_a_paused_pool_starts_nothing_until_it_is_resumed(ann: Person, operator: Person) -> None:
    operator.http.patch("/api/pools/tools/", json={"paused": True}).raise_for_status()
    subagent_id = ann.call(ann.session(), "probe", seconds=0)["subagent_id"]
    waited = ann.http.get(f"/api/subagents/{subagent_id}/", params={"wait": 2}).json()
    assert waited["state"] == "queued"
    operator.http.patch("/api/pools/tools/", json={"paused": False}).raise_for_status()
    assert ann.ended(subagent_id)["state"] == "succeeded"


def test_pools_are_changed_by_staff_only(ann: Person) -> None:
    answer = ann.http.patch("/api/pools/tools/", json={"cap": 9})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_export_is_a_command_that_needs_no_model(ann: Person) -> None:
    session = ann.session()
    ann.say(session, "/export json")
    export = wait_for("the export is there", lambda: ann.snapshot(session)["exports"])[0]
    assert export["format"] == "json"
    assert ann.snapshot(session)["turn"] is None
    assert [message["role"] for message in ann.snapshot(session)["messages"]] == ["user"]
    refused = ann.http.post(f"/api/sessions/{session}/messages/", json={"content": "/export docx"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unsupported_format")
