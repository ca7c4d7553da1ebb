"""Export, import, export again: the same session, whatever was said and done in it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents_app.files import names
from agents_app.files.model import StoredFile
from agents_app.models import Subagent, ToolCall, Turn, Worker
from exports_app.interchange.schema import validator
from sessions_app.models import ChatSession, Message
from tests.agents import work
from tests.exports.round_trip import comparable, ended, exported, imported

START = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
SCRIPTS = [
    "Ελληνικά", "Кириллица", "中文日本語한국어", "العربية עברית", "हिन्दी ไทย", "👩‍👩‍👧‍👦🏳️‍🌈é",
    "\u202eabc\u2066", "\u2028\u2029\x0b\x85\ufeff", "</script><!--", "```\n~~~", '"\\\\"\\u0000',
    "a\r\nb\tc\x1b[31m", "=1+1", "",
]  # fmt: skip
texts = st.sampled_from(SCRIPTS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60
)
lines = texts.map(lambda text: " ".join(text.split())[:100])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3)
results = st.none() | st.fixed_dictionaries({"summary": texts, "data": objects})
errors = st.fixed_dictionaries({"code": lines, "message": texts})
moments = st.integers(0, 10**12).map(lambda micros: START + timedelta(microseconds=micros))
files = st.tuples(lines.map(names.cleaned), st.integers(0, 2**40))

message_rows = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "subagent"]),
        "state": st.sampled_from(["streaming", "complete", "interrupted"]),
        "content": texts,
        "created_at": moments,
        "turn": st.none() | st.integers(0, 3),
    }
)
call_rows = st.fixed_dictionaries(
    {
        "tool_name": lines.map(lambda name: name or "tool"),
        "state": st.sampled_from(["running", "succeeded", "failed"]),
        "args": objects,
        "result": results,
        "error": st.none() | errors,
        "created_at": moments,
        "took": st.none() | st.integers(-5, 10**10),
    }
)
subagent_rows = st.fixed_dictionaries(
    {
        "tool_name": lines.map(lambda name: name or "tool"),
        "title": lines,
        "state": st.sampled_from(["queued", "admitted", "running", "succeeded", "failed", "cancelled"]),
        "attempt": st.integers(1, 5),
        "args": objects,
        "result": results,
        "error": errors,
        "report": texts,
        "times": st.tuples(moments, st.none() | moments, moments),
        "files": st.lists(files, max_size=3),
        "told": st.booleans(),
    }
)
sessions = st.fixed_dictionaries(
    {
        "title": lines,
        "created_at": moments,
        "rows": st.lists(
            st.tuples(st.just("message"), message_rows)
            | st.tuples(st.just("call"), call_rows)
            | st.tuples(st.just("subagent"), subagent_rows),
            max_size=8,
        ),
    }
)
often = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def worker(db: None) -> Worker:
    """A process that running work is in."""
    return work.worker()


@given(told=sessions)
@often
def test_a_session_comes_back_as_it_was(ann: Any, bob: Any, worker: Worker, told: dict[str, Any]) -> None:
    before = exported(_made(ann, worker, told))
    assert list(validator(2).iter_errors(before)) == []
    restored = imported(bob, before)
    after = exported(restored)
    assert list(validator(2).iter_errors(after)) == []
    assert comparable(after) == comparable(ended(before))
    _assert_at_rest(restored, bob)


@given(told=sessions)
@often
def test_what_came_back_once_comes_back_unchanged(ann: Any, worker: Worker, told: dict[str, Any]) -> None:
    once = imported(ann, exported(_made(ann, worker, told)))
    twice = imported(ann, exported(once))
    assert comparable(exported(twice)) == comparable(exported(once))


@given(told=sessions)
@often
def test_bare_words_come_back(ann: Any, worker: Worker, told: dict[str, Any]) -> None:
    before = exported(_made(ann, worker, told), include_metadata=False)
    assert list(validator(2).iter_errors(before)) == []
    after = exported(imported(ann, before), include_metadata=False)
    assert after["session"] == before["session"]
    assert after["messages"] == before["messages"]
    for name in ("tool_calls", "subagents"):
        assert [row["result"] for row in after[name]] == [row["result"] for row in before[name]]
        pairs = zip(before[name], after[name], strict=True)
        failed = [(one, other) for one, other in pairs if one["state"] == "failed" and one["error"]]
        assert [one["error"] for one, _ in failed] == [other["error"] for _, other in failed]


@given(told=sessions)
@often
def test_the_first_version_is_still_read(ann: Any, worker: Worker, told: dict[str, Any]) -> None:
    document = exported(_made(ann, worker, told))
    first = _first_version(document)
    assert list(validator(1).iter_errors(first)) == []
    after = exported(imported(ann, first))
    said = ("role", "content", "created_at")
    assert _only(after["messages"], said) == _only(document["messages"], said)
    done = ("tool_name", "title", "args", "result", "queued_at", "started_at")
    assert _only(after["subagents"], done) == _only(document["subagents"], done)


def _assert_at_rest(session: ChatSession, owner: Any) -> None:
    """Nothing waits, nothing runs, all of it is the importer's, and the log has no gap."""
    assert session.owner == owner
    assert not session.turns.unfinished().exists()
    assert not session.subagents.unfinished().exists()
    assert not session.tool_calls.filter(state="running").exists()
    assert not session.messages.unanswered().exists()
    assert not session.messages.filter(wants_answer=True).exists()
    assert not session.subagents.exclude(owner=owner).exists()
    assert [(event.seq, event.kind) for event in session.events.all()] == [
        (session.last_seq, "session.started")
    ]
    models: tuple[Any, ...] = (Message, ToolCall, Subagent)
    seqs = [row.seq for model in models for row in model.objects.filter(session=session)]
    assert sorted(seqs) == list(range(1, session.last_seq))
    assert session.message_count == session.messages.count()


def _made(owner: Any, worker: Worker, told: dict[str, Any]) -> ChatSession:
    """Return a session with rows as they are told, written past all verbs: any state can be met."""
    session = ChatSession.objects.create(owner=owner, title=told["title"])
    turns = [Turn.objects.create(session=session, state="completed", model=f"m{n}") for n in range(4)]
    ChatSession.objects.filter(pk=session.pk).update(
        created_at=told["created_at"], last_seq=len(told["rows"]), message_count=0
    )
    delivered: list[Subagent] = []
    for seq, (kind, row) in enumerate(told["rows"], start=1):
        if kind == "message":
            _add_message(session, seq, row, turns, delivered)
        elif kind == "call":
            _add_call(session, seq, row)
        else:
            subagent = _add_subagent(session, seq, row, worker)
            delivered += [subagent] if row["told"] else []
    session.refresh_from_db()
    return session


def _add_message(
    session: ChatSession, seq: int, row: dict[str, Any], turns: list[Turn], delivered: list[Subagent]
) -> None:
    subagent = delivered.pop() if row["role"] == "subagent" and delivered else None
    message = Message.objects.create(
        session=session,
        seq=seq,
        role=row["role"],
        state=row["state"],
        content=row["content"],
        turn_id=None if row["turn"] is None else turns[row["turn"]].pk,
        subagent_id=subagent.pk if subagent else None,
    )
    Message.objects.filter(pk=message.pk).update(created_at=row["created_at"])


def _add_call(session: ChatSession, seq: int, row: dict[str, Any]) -> None:
    state, took = row["state"], row["took"]
    running = state == "running"
    call = ToolCall.objects.create(
        session=session,
        seq=seq,
        tool_name=row["tool_name"],
        state=state,
        args=row["args"],
        result=row["result"],
        error={"code": "x", "message": "y"} if state == "failed" and not row["error"] else row["error"],
        finished_at=None if running else row["created_at"] + timedelta(milliseconds=took or 0),
    )
    ToolCall.objects.filter(pk=call.pk).update(created_at=row["created_at"])


def _add_subagent(session: ChatSession, seq: int, row: dict[str, Any], worker: Worker) -> Subagent:
    state, (queued, started, finished) = row["state"], row["times"]
    final = state in ("succeeded", "failed", "cancelled")
    begun = started or (queued if state == "running" else None)
    subagent = Subagent.objects.create(
        session=session,
        owner=session.owner,
        pool_id="tools",
        seq=seq,
        agent_type="tool_executor",
        tool_name=row["tool_name"],
        title=row["title"],
        state=state,
        attempt=row["attempt"],
        args=row["args"],
        result=row["result"],
        error=row["error"] if state == "failed" else None,
        report=row["report"],
        queued_at=queued,
        queue_deadline_at=queued,
        started_at=begun,
        finished_at=finished if final else None,
        worker=worker if state == "running" else None,
    )
    for name, size in row["files"] if begun else ():
        StoredFile.objects.create(
            owner=session.owner,
            session=session,
            subagent=subagent,
            attempt=row["attempt"],
            name=name,
            size=size,
            received=size,
            sha256=f"{uuid4().hex}{uuid4().hex}",
            content_type="text/plain",
            state="ready",
            expires_at=queued,
        )
    return subagent


def _first_version(document: dict[str, Any]) -> dict[str, Any]:
    message = ("id", "role", "state", "content", "created_at", "subagent_id")
    subagent = (
        "id", "tool_name", "title", "state", "args", "result", "error", "queued_at", "started_at",
        "finished_at",
    )  # fmt: skip
    return {
        "schema_version": 1,
        "session": document["session"],
        "messages": _only(document["messages"], message),
        "subagents": _only(document["subagents"], subagent),
    }


def _only(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in names} for row in rows]
