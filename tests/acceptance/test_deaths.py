"""Any process killed with SIGKILL: noticed, recovered, nothing lost, nothing twice, no child left."""

import os
import signal
import time
from typing import Any

import httpx
import pytest

from tests.acceptance.house import House, Person, assert_gapless, events_until, wait_for
from tests.conformity import assert_conforms


def _final_events(person: Person, session: str, subagent_id: str) -> list[str]:
    ends = {"subagent.completed", "subagent.failed", "subagent.cancelled"}
    events = [event for event in person.events(session) if event["payload"].get("subagent_id") == subagent_id]
    return [event["kind"] for event in events if event["kind"] in ends]


def _assert_succeeded_once(person: Person, session: str, subagent_id: str, attempt: int) -> None:
    ended = person.ended(subagent_id, 40)
    assert (ended["state"], ended["attempt"]) == ("succeeded", attempt), ended
    person.quiet(session)
    assert _final_events(person, session, subagent_id) == ["subagent.completed"]
    results = [message for message in person.snapshot(session)["messages"] if message["role"] == "subagent"]
    assert len(results) == 1
    events = person.events(session)
    assert_gapless(events)
    for event in events:
        assert_conforms(event)


def _child_running(house: House, subagent_id: str) -> int:
    """Return the pid of the worker child that runs a subagent; its tool started a child that names it."""
    inner = wait_for("the tool starts its child", lambda: house.processes_with(f"# {subagent_id}"))
    return os.getpgid(inner[0])


def test_killed_child_is_replaced_and_its_work_runs_again(ann: Person, house: House) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=2, child=True)["subagent_id"]
    ann.running(subagent_id)
    os.kill(_child_running(house, subagent_id), signal.SIGKILL)
    _assert_succeeded_once(ann, session, subagent_id, attempt=2)
    assert house.processes_with(f"# {subagent_id}") == []
    wait_for("the pool has its six children again", lambda: len(house.identities("agents")) == 6)


def test_work_that_may_not_be_repeated_fails_as_worker_lost_and_the_chat_is_told(
    ann: Person, house: House
) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe_once", seconds=30, child=True)["subagent_id"]
    ann.running(subagent_id)
    os.kill(_child_running(house, subagent_id), signal.SIGKILL)
    ended = ann.ended(subagent_id, 5)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "worker_lost")
    told = [message["content"] for message in ann.quiet(session)["messages"] if message["role"] == "subagent"]
    assert len(told) == 1
    assert "worker_lost" in told[0]
    assert house.processes_with(f"# {subagent_id}") == []


def test_work_that_kills_its_process_each_time_fails_after_three_and_tells_all_of_them(
    ann: Person, house: House
) -> None:
    session = ann.session()
    neighbour = ann.call(session, "probe", seconds=3)["subagent_id"]
    ann.running(neighbour)
    poison = ann.call(session, "probe_poison")["subagent_id"]
    ended = ann.ended(poison, 15)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "worker_lost")
    assert "3 times" in ended["error"]["message"]
    told = [(attempt["attempt"], attempt["code"]) for attempt in ended["attempts"]]
    assert told == [(number, "worker_lost") for number in (1, 2, 3)]
    assert _final_events(ann, session, poison) == ["subagent.failed"]
    _assert_attempt(ann.ended(neighbour), 1)
    wait_for("the pool has its six children again", lambda: len(house.identities("agents")) == 6)


def _assert_attempt(ended: dict[str, Any], attempt: int) -> None:
    assert (ended["state"], ended["attempt"]) == ("succeeded", attempt), ended


def test_killed_agents_worker_is_restarted_and_its_work_runs_again(ann: Person, house: House) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=2, child=True)["subagent_id"]
    ann.running(subagent_id)
    house.kill("agents")
    _assert_succeeded_once(ann, session, subagent_id, attempt=2)
    assert house.processes_with(f"# {subagent_id}") == []


@pytest.mark.parametrize("name", ["keeper", "beat", "web"])
def test_killed_bystander_does_not_touch_running_work(ann: Person, house: House, name: str) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=4)["subagent_id"]
    ann.running(subagent_id)
    before = house.process_named(name)
    house.kill(name)
    _assert_succeeded_once(ann, session, subagent_id, attempt=1)
    wait_for(f"{name} is back", lambda: _pid_or_none(house, name) not in (None, before))


def test_killed_broker_loses_nothing_and_repeats_nothing(ann: Person, house: House) -> None:
    session = ann.session()
    running = ann.call(session, "probe", seconds=4)["subagent_id"]
    ann.running(running)
    house.kill("broker")
    began = time.monotonic()
    queued = ann.call(session, "probe", seconds=0)["subagent_id"]
    assert ann.ended(queued, 15)["state"] == "succeeded"
    assert time.monotonic() - began < 15
    ended = ann.ended(running)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 1)
    ann.quiet(session)
    assert _final_events(ann, session, running) == ["subagent.completed"]
    assert_gapless(ann.events(session))


def _restart_broker(house: House) -> None:
    before = house.process_named("broker")
    house.kill("broker")
    wait_for("the broker is back", lambda: _pid_or_none(house, "broker") not in (None, before))


def test_long_work_over_three_restarts_of_the_broker_runs_once(ann: Person, house: House) -> None:
    session = ann.session()
    work = [ann.call(session, "probe", seconds=9)["subagent_id"] for _ in range(3)]
    for subagent_id in work:
        ann.running(subagent_id)
    for _ in range(3):
        _restart_broker(house)
    ended = [ann.ended(subagent_id) for subagent_id in work]
    assert {(subagent["state"], subagent["attempt"]) for subagent in ended} == {("succeeded", 1)}
    starts = [
        event["payload"]["subagent_id"]
        for event in ann.events(session)
        if event["kind"] == "subagent.started"
    ]
    assert sorted(starts) == sorted(work)


def test_wiped_broker_loses_nothing_and_repeats_nothing(ann: Person, house: House) -> None:
    session = ann.session()
    work = [ann.call(session, "probe", seconds=2)["subagent_id"] for _ in range(5)]
    ann.running(work[0])
    house.wipe_broker()
    work.append(ann.call(session, "probe", seconds=0)["subagent_id"])
    ended = [ann.ended(subagent_id) for subagent_id in work]
    assert {(subagent["state"], subagent["attempt"]) for subagent in ended} == {("succeeded", 1)}
    wait_for("every result is told", lambda: len(_results(ann, session)) == len(work))
    ann.quiet(session)
    assert_gapless(ann.events(session))


def _results(person: Person, session: str) -> list[str]:
    messages = person.snapshot(session)["messages"]
    return [message["subagent_id"] for message in messages if message["role"] == "subagent"]


def test_chat_worker_killed_in_mid_answer_goes_on_in_another_and_answers_once(
    ann: Person, house: House
) -> None:
    session = ann.session()
    with ann.feed(session) as socket:
        ann.say(session, "what can you do")
        events_until(socket, "message.delta")
        house.kill("chat")
        started = events_until(socket, "turn.started", 30)[-1]["payload"]
        assert started["attempt"] == 2
        delta = events_until(socket, "message.delta")[-1]["payload"]
        assert (delta["generation"], delta["offset"]) == (2, 0)
        events_until(socket, "turn.completed")
    answers = [message for message in ann.snapshot(session)["messages"] if message["role"] == "assistant"]
    assert len(answers) == 1
    assert answers[0]["state"] == "complete"
    assert_gapless(ann.events(session))


def test_feed_goes_on_where_it_was_after_the_web_process_died(ann: Person, house: House) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=3)["subagent_id"]
    with ann.feed(session) as socket:
        seen = events_until(socket, "subagent.progress")
        house.kill("web")
    last = max(event["seq"] for event in seen if "seq" in event)
    wait_for("the web process is back", lambda: _answers(ann))
    with ann.feed(session, after=last) as socket:
        rest = events_until(socket, "turn.completed")
    durable = [event for event in [*seen, *rest] if "seq" in event]
    assert_gapless(durable)
    assert ann.ended(subagent_id)["attempt"] == 1


def _answers(person: Person) -> bool:
    try:
        return person.http.get("/healthz").is_success
    except httpx.TransportError:
        return False


def _pid_or_none(house: House, name: str) -> int | None:
    try:
        return house.process_named(name)
    except StopIteration:
        return None
