"""REST: tools, subagents, turns, pools."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents_app import pool
from agents_app.models import Pool, Subagent
from agents_app.outcome import Outcome
from agents_app.registry import ToolResult
from sessions_app import lifecycle, messages
from sessions_app.models import ChatSession
from tests.agents import work


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Ann's client."""
    return client_of(ann)


def _execute(client: APIClient, session: ChatSession, name: str, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    wish = {"session_id": str(session.pk), **body}
    return client.post(f"/api/tools/{name}/execute/", wish, headers=headers)


def _spawn(client: APIClient, session: ChatSession, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    task = {"tool_name": "probe", "args": {"seconds": 1}}
    wish = {"session_id": str(session.pk), "agent_type": "tool_executor", "task": task, **body}
    return client.post("/api/subagents/", wish, headers=headers)


def test_tools_are_listed_with_the_schema_of_their_arguments(client: APIClient) -> None:
    tools = {tool["name"]: tool for tool in client.get("/api/tools/").json()}
    assert set(tools) >= {"analyze_codebase", "list_subagents", "cancel_subagent", "export_session", "probe"}
    assert tools["analyze_codebase"]["heavy"] is True
    assert tools["probe_fast"]["output_schema"] is None
    assert "languages" in tools["analyze_codebase"]["output_schema"]["properties"]
    assert tools["probe_fast"]["input_schema"]["required"] == ["text"]


def test_a_fast_tool_answers_with_its_result(client: APIClient, session: ChatSession) -> None:
    answer = _execute(client, session, "probe_fast", args={"text": "Hello"})
    assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")
    assert answer.json()["result"]["data"] == {"text": "Hello"}


def test_a_heavy_tool_answers_with_its_subagent(client: APIClient, session: ChatSession) -> None:
    answer = _execute(client, session, "probe", args={})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.json()["session_id"] == str(session.pk)


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("nothing", {}, 404, "unknown_tool"),
        ("probe_fast", {"args": {}}, 400, "invalid_arguments"),
        ("probe_fast", {"args": []}, 400, "invalid_arguments"),
        ("probe_fast", {"args": None}, 400, "invalid_request"),
        ("probe_fast", {"args": {"text": "a"}, "execution": "slow"}, 400, "invalid_request"),
        ("probe", {"args": {}, "execution": "fast"}, 400, "tool_is_heavy"),
        ("probe", {"session_id": "1"}, 400, "invalid_request"),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_with_a_code(
    client: APIClient, session: ChatSession, name: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = _execute(client, session, name, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("text", ["\\ud800", "a\\u0000b"])
@pytest.mark.parametrize("name", ["probe_fast", "probe"])
def test_arguments_of_any_characters_are_taken_or_refused_but_no_error(
    client: APIClient, session: ChatSession, name: str, text: str
) -> None:
    argument = "text" if name == "probe_fast" else "ledger"
    body = f'{{"session_id": "{session.pk}", "args": {{"{argument}": "{text}"}}}}'
    answer = client.post(f"/api/tools/{name}/execute/", body, content_type="application/json")
    assert answer.status_code in (200, 202, 400)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "args"), [("probe_fast", {"text": "a"}), ("probe", {})])
def test_the_same_key_makes_a_call_once(
    client: APIClient, session: ChatSession, name: str, args: dict[str, Any]
) -> None:
    first = _execute(client, session, name, "key", args=args).json()
    again = _execute(client, session, name, "key", args=args).json()
    assert again.get("call_id") == first.get("call_id")
    assert again.get("subagent_id") == first.get("subagent_id")
    assert session.tool_calls.count() + session.subagents.count() == 1


def test_a_task_is_spawned_shown_and_cancelled(client: APIClient, session: ChatSession) -> None:
    spawned = _spawn(client, session)
    assert spawned.status_code == 202
    address = f"/api/subagents/{spawned.json()['subagent_id']}/"
    shown = client.get(address).json()
    assert (shown["args"], shown["report"], shown["attempts"]) == ({"seconds": 1}, "", [])
    assert client.post(f"{address}cancel/").json()["state"] == "cancelled"
    assert client.post(f"{address}cancel/").status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"agent_type": "cook"}, "unknown_agent_type"),
        ({"task": {}}, "invalid_task"),
        ({"task": []}, "invalid_request"),
        ({"task": {"tool_name": "nothing"}}, "unknown_tool"),
        ({"task": {"tool_name": "probe", "args": {"seconds": -1}}}, "invalid_arguments"),
        ({"agent_type": "export_agent", "task": {"format": "odt"}}, "unsupported_format"),
        ({"agent_type": None}, "invalid_request"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused_with_a_code(
    client: APIClient, session: ChatSession, body: dict[str, Any], code: str
) -> None:
    answer = _spawn(client, session, **body)
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] == code
    assert not session.subagents.exists()


def test_a_full_queue_is_refused_with_429_and_when_to_come_back(
    client: APIClient, session: ChatSession
) -> None:
    work.set_pool(queue_limit=0)
    answer = _spawn(client, session)
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert answer.json()["retry_after_seconds"] > 0
    assert answer["retry-after"] == str(answer.json()["retry_after_seconds"])


def test_the_same_key_spawns_once(client: APIClient, session: ChatSession) -> None:
    assert _spawn(client, session, "key").json() == _spawn(client, session, "key").json()
    assert session.subagents.count() == 1


def test_ended_work_is_tried_again_and_unfinished_is_not(client: APIClient, session: ChatSession) -> None:
    subagent = work.running(session)
    refused = client.post(f"/api/subagents/{subagent.pk}/retry/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_final")
    pool.finish(subagent, Outcome(state=Subagent.State.FAILED, error={"code": "x", "message": "y"}))
    again = client.post(f"/api/subagents/{subagent.pk}/retry/")
    assert again.status_code == 202
    assert again.json()["subagent_id"] != str(subagent.pk)


def test_the_same_key_tries_again_once(client: APIClient, session: ChatSession) -> None:
    subagent = work.queue(session)
    pool.cancel(subagent.pk)
    headers = {"Idempotency-Key": "key"}
    address = f"/api/subagents/{subagent.pk}/retry/"
    first, second = (client.post(address, headers=headers).json()["subagent_id"] for _ in range(2))
    assert first == second


def test_subagents_are_listed_newest_first_and_filtered(
    client: APIClient, session: ChatSession, ann: Any
) -> None:
    first, second = work.queue(session), work.queue(session, "probe_once")
    other = work.queue(lifecycle.start(ann))
    pool.cancel(first.pk)

    def listed(query: str = "") -> list[str]:
        return [row["subagent_id"] for row in client.get(f"/api/subagents/?{query}").json()["results"]]

    assert listed() == [str(other.pk), str(second.pk), str(first.pk)]
    assert listed(f"session_id={session.pk}") == [str(second.pk), str(first.pk)]
    assert listed("state=cancelled") == [str(first.pk)]
    assert listed("tool_name=probe_once") == [str(second.pk)]
    assert client.get("/api/subagents/?session_id=1").json()["code"] == "invalid_request"


def test_a_large_result_is_whole_in_detail_and_left_out_of_the_list(
    client: APIClient, session: ChatSession
) -> None:
    subagent = work.running(session)
    result = {"summary": "Three.", "data": {"text": "x" * 50_000}}
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result=result, report="# Three"))
    detail = client.get(f"/api/subagents/{subagent.pk}/").json()
    assert (detail["result"]["data"], detail["report"]) == (result["data"], "# Three")
    listed = client.get("/api/subagents/").json()["results"][0]["result"]
    assert listed["summary"] == "Three."
    assert "data" not in listed


def test_a_turn_is_stopped(client: APIClient, session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    turn = session.turns.get()
    stopped = client.post(f"/api/turns/{turn.pk}/stop/")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "cancelled")
    assert client.post(f"/api/turns/{turn.pk}/stop/").json()["state"] == "cancelled"


@pytest.mark.parametrize("staff", [True, False])
def test_who_works_on_what_is_told_to_staff_only(
    client: APIClient, session: ChatSession, ann: Any, staff: bool
) -> None:
    ann.is_staff = staff
    ann.save()
    work.running(session)
    pools = {row["name"]: row for row in client.get("/api/pools/").json()}
    assert (pools["tools"]["max_concurrent"], pools["exports"]["max_concurrent"]) == (3, 2)
    assert pools["tools"]["active_workers"] == 1
    assert ("workers" in pools["tools"]) is staff
    assert str(session.pk) in str(pools) if staff else str(session.pk) not in str(pools)


@pytest.mark.parametrize(("staff", "status"), [(False, 403), (True, 200)])
def test_only_staff_change_a_pool(
    client: APIClient, session: ChatSession, ann: Any, staff: bool, status: int
) -> None:
    ann.is_staff = staff
    ann.save()
    answer = client.patch("/api/pools/tools/", {"cap": 5, "paused": True})
    assert answer.status_code == status
    assert Pool.objects.get(pk="tools").cap == (5 if staff else 3)


@pytest.mark.parametrize(
    "changes", [{"cap": -1}, {"cap": "many"}, {"paused": "perhaps"}, {"queue_limit": None}]
)
def test_a_cap_that_makes_no_sense_is_refused(client: APIClient, ann: Any, changes: dict[str, Any]) -> None:
    ann.is_staff = True
    ann.save()
    answer = client.patch("/api/pools/tools/", changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.django_db(transaction=True)
def test_a_cap_that_staff_raise_lets_more_in_at_once(
    client: APIClient, session: ChatSession, ann: Any
) -> None:
    ann.is_staff = True
    ann.save()
    work.workers()
    for _ in range(6):
        work.queue(session)
    assert work.states(session).count("admitted") == 3
    client.patch("/api/pools/tools/", {"cap": 5})
    assert work.states(session).count("admitted") == 5


def test_the_snapshot_shows_calls_and_subagents(client: APIClient, session: ChatSession) -> None:
    _execute(client, session, "probe_fast", args={"text": "a"})
    work.queue(session)
    shown = client.get(f"/api/sessions/{session.pk}/").json()
    assert [call["tool_name"] for call in shown["tool_calls"]] == ["probe_fast"]
    assert [row["queue_position"] for row in shown["subagents"]] == [1]


def test_the_model_can_list_and_cancel_its_subagents(client: APIClient, session: ChatSession) -> None:
    work.queue(session, title="First")
    newest = work.queue(session, title="Second")
    listed = _execute(client, session, "list_subagents", args={}).json()["result"]["data"]["subagents"]
    assert [row["title"] for row in listed] == ["First", "Second"]
    cancelled = _execute(client, session, "cancel_subagent", args={}).json()
    assert cancelled["result"]["summary"] == "Second is cancelled."
    assert work.fresh(newest).state == "cancelled"


@pytest.mark.parametrize("subagent_id", ["", "1", "x" * 36, "00000000-0000-0000-0000-000000000000"])
def test_the_model_cannot_cancel_what_is_not_there(
    client: APIClient, session: ChatSession, subagent_id: str
) -> None:
    done = _execute(client, session, "cancel_subagent", args={"subagent_id": subagent_id}).json()
    assert (done["state"], done["error"]["code"]) == ("failed", "not_found")


def test_the_model_cannot_cancel_another_sessions_subagent(
    client: APIClient, session: ChatSession, ann: Any
) -> None:
    other = work.queue(lifecycle.start(ann))
    done = _execute(client, session, "cancel_subagent", args={"subagent_id": str(other.pk)}).json()
    assert done["error"]["code"] == "not_found"
    assert work.fresh(other).state == "queued"


def test_a_large_result_is_whole_in_the_answer_and_left_out_of_the_feed(
    client: APIClient, session: ChatSession, declare: Callable[..., None]
) -> None:
    declare("many", lambda context: ToolResult(summary="", data={"rows": ["x" * 100] * 1000}))
    answer = _execute(client, session, "many", args={}).json()
    assert len(answer["result"]["data"]["rows"]) == 1000
    assert client.get(f"/api/tool-calls/{answer['call_id']}/").json()["result"] == answer["result"]
    told = session.events.get(kind="tool.completed").payload["result"]
    assert told == {"truncated": True, "bytes": told["bytes"]}
