"""Caps of owners and of sessions inside a pool's cap, priorities through the doors, cancels of many."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents_app import admission, gateway, pool
from agents_app.models import Pool, Subagent
from agents_app.outcome import Outcome
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work


def _admitted_by_owner() -> dict[str, int]:
    names = Subagent.objects.occupying().values_list("owner__username", flat=True)
    return {name: list(names).count(name) for name in names}


def test_an_owner_at_the_owners_cap_leaves_the_slot_to_others(session: ChatSession) -> None:
    other = work.owner("bob")
    for _ in range(4):
        work.queue(session)
    work.queue(other)
    work.set_pool(owner_cap=1)
    work.workers()
    assert admission.admit("tools") == 2
    assert _admitted_by_owner() == {"ann": 1, "bob": 1}


def test_an_owner_at_the_owners_cap_goes_on_when_one_of_theirs_has_ended(session: ChatSession) -> None:
    work.set_pool(owner_cap=1)
    work.workers()
    for _ in range(2):
        work.queue(session)
    assert work.states(session) == ["admitted", "queued"]
    assert work.succeed(Subagent.objects.get(state="admitted"))
    assert work.states(session) == ["succeeded", "admitted"]


def test_a_session_at_the_sessions_cap_leaves_the_slot_to_the_owners_other_session(
    session: ChatSession,
) -> None:
    second = lifecycle.start(session.owner)
    for _ in range(3):
        work.queue(session, priority=5)
    work.queue(second)
    work.set_pool(session_cap=1)
    work.workers()
    assert admission.admit("tools") == 2
    assert sorted(work.states(session)) == ["admitted", "queued", "queued"]
    assert work.states(second) == ["admitted"]


def test_a_raised_owners_cap_lets_more_in_at_once(session: ChatSession) -> None:
    work.set_pool(owner_cap=1)
    work.workers()
    for _ in range(3):
        work.queue(session)
    gateway.change_pool("tools", {"owner_cap": None})
    assert work.states(session) == ["admitted"] * 3


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Ann's client."""
    return client_of(ann)


@pytest.mark.parametrize("name", ["owner_cap", "session_cap"])
def test_staff_set_and_clear_the_caps_of_owners_and_sessions(ann: Any, client: APIClient, name: str) -> None:
    ann.is_staff = True
    ann.save()
    assert client.patch("/api/pools/tools/", {name: 2}).json()[name] == 2
    assert client.patch("/api/pools/tools/", {name: 0}).status_code == 400
    assert client.patch("/api/pools/tools/", {name: None}).json()[name] is None


def test_a_cap_saved_in_the_admin_lets_the_next_in_at_once(
    ann: Any, client: APIClient, session: ChatSession
) -> None:
    ann.is_staff = ann.is_superuser = True
    ann.save()
    work.set_pool(cap=1)
    work.workers()
    for _ in range(3):
        work.queue(session)
    form = {"cap": 3, "queue_limit": 1000, "queue_timeout_seconds": 900, "idle_timeout_seconds": 120}
    answer = client.post("/admin/agents_app/pool/tools/change/", form, format="multipart")
    assert answer.status_code == 302
    assert Pool.objects.get(pk="tools").cap == 3
    assert work.states(session) == ["admitted"] * 3


def _spawn(client: APIClient, session: ChatSession, **body: Any) -> Any:
    task = {"tool_name": "probe", "args": {}}
    wish = {"session_id": str(session.pk), "agent_type": "tool_executor", "task": task, **body}
    return client.post("/api/subagents/", wish)


def test_of_ones_own_the_higher_priority_is_first_in_the_queue(
    client: APIClient, session: ChatSession
) -> None:
    low, high = _spawn(client, session).json(), _spawn(client, session, priority=9).json()
    assert (low["queue_position"], high["queue_position"]) == (1, 1)
    again = client.get(f"/api/subagents/{low['subagent_id']}/").json()
    assert again["queue_position"] == 2
    call = {"session_id": str(session.pk), "priority": 10}
    assert client.post("/api/tools/probe/execute/", call).json()["queue_position"] == 1


@pytest.mark.parametrize("priority", [101, -101, "high", None])
def test_a_priority_out_of_bounds_is_refused(
    client: APIClient, session: ChatSession, priority: object
) -> None:
    assert _spawn(client, session, priority=priority).status_code == 400
    assert not session.subagents.exists()


def test_a_priority_that_no_column_holds_is_refused_by_the_verb(session: ChatSession) -> None:
    with pytest.raises(Refusal, match="priority"):
        gateway.spawn(session.pk, "tool_executor", {"tool_name": "probe"}, priority=2**40)


def test_all_of_a_session_are_cancelled_by_one_call(client: APIClient, session: ChatSession) -> None:
    ended = work.running(session)
    assert pool.finish(ended, Outcome(state=Subagent.State.SUCCEEDED))
    running = work.running(session)
    for _ in range(3):
        work.queue(session)
    answer = client.post("/api/subagents/cancel/", {"session_id": str(session.pk)})
    assert answer.status_code == 200
    told = {row["subagent_id"]: row["state"] for row in answer.json()}
    assert len(told) == 4
    assert told[str(running.pk)] == "running"
    assert sorted(work.states(session)) == ["cancelled"] * 3 + ["running", "succeeded"]


def test_named_ones_are_cancelled_and_others_not(client: APIClient, session: ChatSession) -> None:
    rows = [work.queue(session) for _ in range(3)]
    client.post("/api/subagents/cancel/", {"subagent_ids": [str(row.pk) for row in rows[:2]]})
    assert work.states(session) == ["cancelled", "cancelled", "queued"]


def test_anothers_among_those_named_is_not_found_and_nothing_is_cancelled(
    client: APIClient, session: ChatSession
) -> None:
    mine, theirs = work.queue(session), work.queue(work.owner("bob"))
    answer = client.post("/api/subagents/cancel/", {"subagent_ids": [str(mine.pk), str(theirs.pk)]})
    assert answer.status_code == 404
    assert {row.state for row in Subagent.objects.all()} == {"queued"}
    other = {"session_id": str(theirs.session_id)}
    assert client.post("/api/subagents/cancel/", other).status_code == 404


@pytest.mark.parametrize("wish", [{}, {"subagent_ids": []}, {"subagent_ids": ["x"]}, {"session_id": "x"}])
def test_a_cancel_that_names_nothing_is_refused(client: APIClient, wish: dict[str, Any]) -> None:
    assert client.post("/api/subagents/cancel/", wish).status_code == 400
