"""The main job, through REST and the websocket."""

import hashlib
import json

from tests.acceptance.house import House, Person, assert_gapless, events_until
from tests.conformity import assert_conforms
from tests.git_server import GitServer


def test_a_repository_is_analyzed_in_the_chat_and_the_session_exported(
    ann: Person, house: House, git_server: GitServer
) -> None:
    session = ann.session()
    with ann.feed(session) as socket:
        ann.say(session, f"Please analyze {git_server.url('sample')}")
        seen = events_until(socket, "subagent.completed", 60)
        seen += events_until(socket, "turn.completed")
    stages = [event["payload"]["stage"] for event in seen if event["kind"] == "subagent.progress"]
    assert list(dict.fromkeys(stages)) == [
        "cloning", "analyzing", "scanning_dependencies", "generating_report", "complete",
    ]  # fmt: skip
    percents = [event["payload"]["progress"] for event in seen if event["kind"] == "subagent.progress"]
    assert percents == sorted(percents)

    snapshot = ann.quiet(session)
    report = next(message for message in snapshot["messages"] if message["role"] == "subagent")
    assert "Python" in report["content"]
    assert "<table>" in report["html"]
    subagent = ann.subagent(snapshot["subagents"][0]["subagent_id"])
    names = {dependency["name"].lower() for dependency in subagent["result"]["data"]["dependencies"]}
    assert {"django", "requests", "react"} <= names
    last = snapshot["messages"][-1]
    assert last["role"] == "assistant"
    assert last["content"].startswith("Finished.")

    with ann.feed(session, after=snapshot["last_seq"]) as socket:
        ann.say(session, "export as json")
        seen += events_until(socket, "export.completed")
    done = seen[-1]["payload"]
    download = ann.http.get(done["download_url"])
    assert len(download.content) == done["file_size"]
    assert hashlib.sha256(download.content).hexdigest() == done["sha256"]
    exported = json.loads(download.content)
    assert exported["messages"][0]["content"].startswith("Please analyze")
    assert any(message["content"] == report["content"] for message in exported["messages"])
    ann.quiet(session)
    stored = ann.events(session)
    assert_gapless(stored)
    for event in [*seen, *stored]:
        assert_conforms(event)
    assert house.work_folders() == []


def test_the_demo_model_says_that_no_model_is_configured(ann: Person) -> None:
    session = ann.session()
    ann.say(session, "Good morning!")
    answer = ann.quiet(session)["messages"][-1]
    assert "No language model is configured" in answer["content"]
    assert "MCPCHAT_MODEL" in answer["content"]


def test_a_message_sent_during_an_answer_is_answered_next(ann: Person) -> None:
    session = ann.session()
    with ann.feed(session) as socket:
        ann.say(session, "what can you do")
        events_until(socket, "message.delta")
        ann.say(session, "what is running")
        events_until(socket, "turn.completed")
        events_until(socket, "turn.completed")
    assert ann.quiet(session)["messages"][-1]["content"].startswith("Nothing is running.")


def test_a_stopped_answer_keeps_its_text(ann: Person) -> None:
    session = ann.session()
    with ann.feed(session) as socket:
        ann.say(session, "what can you do")
        events = events_until(socket, "message.delta")
        turn_id = next(event["payload"]["turn_id"] for event in events if event["kind"] == "turn.started")
        ann.http.post(f"/api/turns/{turn_id}/stop/").raise_for_status()
        events_until(socket, "turn.cancelled", 3)
    message = ann.snapshot(session)["messages"][-1]
    assert message["state"] == "interrupted"
    assert message["content"].startswith("I am the demo agent")


def test_a_fast_call_answers_while_every_slot_is_taken(ann: Person) -> None:
    session = ann.session()
    busy = [ann.call(session, "probe", seconds=60)["subagent_id"] for _ in range(5)]
    ann.running(busy[0])
    called = ann.call(session, "probe_fast", text="quick")
    assert called["result"]["summary"] == "quick"
    ann.say(session, "what is running")
    assert "number 1 in the queue" in ann.quiet(session)["messages"][-1]["content"]
    pool = next(pool for pool in ann.http.get("/api/pools/").json() if pool["name"] == "tools")
    assert (pool["active_workers"], pool["queue_length"]) == (3, 2)
    ann.http.post(f"/api/sessions/{session}/stop/").raise_for_status()
    assert {ann.ended(subagent_id)["state"] for subagent_id in busy} == {"cancelled"}
