"""A chat is restored from a document that somebody sends: whole or not at all, and nothing in it is run."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic_ai.messages import ModelRequest, ModelResponse
from rest_framework.test import APIClient

from agents_app import gateway, history, pool
from agents_app.models import Pool, StoredFile, Subagent, Turn
from agents_app.outcome import Outcome
from exports_app import import_api
from exports_app.interchange import reading, restoring
from exports_app.models import Export
from sessions_app import messages
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work
from tests.exports.round_trip import comparable, exported, imported
from tests.files.conftest import uploaded

BARE: dict[str, Any] = {
    "schema_version": 2,
    "session": {"title": "T"},
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
    "tool_calls": [{"tool_name": "probe", "state": "running", "result": None}],
    "subagents": [{"tool_name": "probe", "title": "Probe", "state": "queued", "result": None}],
}
IMPORT = "/api/sessions/import/"


@pytest.fixture
def client(bob: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Bob's client."""
    return client_of(bob)


def _changed(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(BARE)), **changes}


def _with(name: str, **changes: Any) -> dict[str, Any]:
    """Return the document with its first row of a list changed."""
    document = _changed()
    document[name][0] |= changes
    return document


def test_an_export_sent_back_is_an_equal_session_of_the_senders(
    session: ChatSession, say: Callable[..., None], client: APIClient, bob: Any
) -> None:
    say("Hello", "é😀")
    gateway.execute_tool(session, "list_subagents", {})
    ended = work.running(session, args={"seconds": 1})
    pool.finish(ended, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "Three."}, report="# R"))
    before = exported(session)
    answer = client.post(IMPORT, before)
    assert answer.status_code == 201
    restored = ChatSession.objects.get(pk=answer.json()["id"])
    assert (restored.owner, restored.state) == (bob, "active")
    assert comparable(exported(restored)) == comparable(before)


def test_the_snapshot_and_the_feed_begin_where_the_import_ends(client: APIClient) -> None:
    told = client.post(IMPORT, BARE).json()
    snapshot = client.get(f"/api/sessions/{told['id']}/").json()
    assert [row["content"] for row in snapshot["messages"]] == ["Hi", "Hello"]
    assert [row["state"] for row in snapshot["tool_calls"]] == ["failed"]
    assert [row["state"] for row in snapshot["subagents"]] == ["cancelled"]
    assert (snapshot["turn"], snapshot["last_seq"], snapshot["message_count"]) == (None, 5, 2)
    events = f"/api/sessions/{told['id']}/events/"
    assert client.get(f"{events}?after=0").json()["code"] == "events_pruned"
    assert [event["kind"] for event in client.get(f"{events}?after=4").json()] == ["session.started"]
    client.post(f"/api/sessions/{told['id']}/messages/", {"content": "And now?"})
    seqs = [event["seq"] for event in client.get(f"{events}?after=4").json()]
    assert seqs == list(range(5, 5 + len(seqs)))
    assert len(seqs) > 1


@pytest.mark.django_db(transaction=True)
def test_no_turn_starts_and_no_pool_has_more_to_do(client: APIClient) -> None:
    client.post(IMPORT, BARE)
    work.worker()
    assert not Turn.objects.unfinished().exists()
    assert not Subagent.objects.unfinished().exists()
    assert not Pool.objects.filter(shares__queued__gt=0).exists()
    assert not Export.objects.exists()


def test_the_agent_knows_what_was_said_in_it(client: APIClient) -> None:
    told = client.post(IMPORT, BARE).json()
    messages.post(UUID(told["id"]), "And now?")
    turn = Turn.objects.get(session_id=told["id"], state="queued")
    request, answer = history.earlier(turn, 1000)
    assert isinstance(request, ModelRequest)
    assert isinstance(answer, ModelResponse)
    assert [request.parts[0].content, answer.parts[0].content] == ["Hi", "Hello"]  # type: ignore[union-attr]


def test_imported_work_is_not_done_again(client: APIClient) -> None:
    told = client.post(IMPORT, _with("subagents", state="succeeded", args={"path": "/etc"})).json()
    subagent = Subagent.objects.get(session_id=told["id"])
    answer = client.post(f"/api/subagents/{subagent.pk}/retry/")
    assert (answer.status_code, answer.json()["code"]) == (409, "imported")
    assert Subagent.objects.count() == 1


def test_files_of_work_are_told_but_not_there(client: APIClient, bob: Any) -> None:
    file = {"name": "../../a.csv", "size": 2**40, "sha256": "a" * 64, "content_type": "text/csv"}
    moment = "2025-01-01T00:00:00Z"
    told = client.post(IMPORT, _with("subagents", files=[file], state="succeeded", started_at=moment)).json()
    stored = StoredFile.objects.get(session_id=told["id"])
    assert (stored.owner, stored.name, stored.size) == (bob, "a.csv", 2**40)
    assert client.get(f"/files/{stored.pk}/").status_code == 410
    assert client.post("/api/files/", {"name": "b", "size": 10}).status_code == 201


def test_times_to_come_are_now(bob: Any) -> None:
    later = (timezone.now() + timedelta(days=9)).isoformat()
    restored = imported(bob, _with("messages", created_at=later, state="streaming"))
    message = restored.messages.in_order()[0]
    assert message.created_at <= timezone.now()
    assert message.state == "interrupted"


def test_times_stay(bob: Any) -> None:
    restored = imported(bob, _with("messages", created_at="2001-02-03T04:05:06.000007+01:00"))
    assert restored.messages.in_order()[0].created_at == datetime(2001, 2, 3, 3, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(("started", "ended"), [(1971, 2025), (2025, 1971)])
def test_work_that_took_decades_or_ended_before_it_began_is_exported_and_taken_back(
    bob: Any, started: int, ended: int
) -> None:
    times = {"started_at": f"{started}-01-01T00:00:00Z", "finished_at": f"{ended}-01-01T00:00:00Z"}
    before = exported(imported(bob, _with("subagents", state="succeeded", **times)))
    assert comparable(exported(imported(bob, before))) == comparable(before)


def test_a_model_that_is_not_offered_here_is_not_asked(bob: Any) -> None:
    restored = imported(bob, _changed(session={"title": "T", "model": "nobody:model"}))
    assert restored.model == ""


def test_ids_of_others_mean_nothing(session: ChatSession, say: Callable[..., None], bob: Any) -> None:
    say("Mine")
    theirs = work.running(session)
    mine = str(session.messages.get().pk)
    document = _with("messages", id=mine, subagent_id=str(theirs.pk), turn_id=str(theirs.pk))
    document["subagents"][0]["id"] = str(theirs.pk)
    restored = imported(bob, document)
    assert session.messages.get().content == "Mine"
    assert work.fresh(theirs).state == "running"
    message = restored.messages.in_order()[0]
    assert str(message.pk) != mine
    assert message.subagent_id == restored.subagents.get().pk != theirs.pk


WRONG: list[Any] = [
    {},
    [],
    {"schema_version": 3},
    {"schema_version": "2"},
    {"schema_version": True},
    _changed(schema_version=1.5),
    _changed(extra=1),
    _changed(messages={}),
    _changed(session={}),
    _changed(session={"title": "x" * 201}),
    _with("messages", role="system"),
    _with("messages", content=None),
    _with("messages", wants_answer=True),
    _with("messages", created_at="yesterday"),
    _with("messages", created_at="2025-13-01T00:00:00Z"),
    _with("messages", created_at="2025-01-01T00:00:00Z\n"),
    _with("tool_calls", created_at="0001-01-01T00:00:00Z", duration_ms=-(10**9)),
    _with("messages", created_at="9999-12-31T23:59:59-14:00"),
    _with("messages", seq=-1),
    _with("messages", seq=2**70),
    _with("tool_calls", tool_name=""),
    _with("tool_calls", tool_name="x" * 101),
    _with("tool_calls", state="pending"),
    _with("tool_calls", result="text"),
    _with("tool_calls", result={"summary": 1}),
    _with("tool_calls", error={"code": 1, "message": "m"}),
    _with("tool_calls", duration_ms=1e300),
    _with("subagents", args=[]),
    _with("subagents", attempt=0),
    _with("subagents", state="failed", pool="tools"),
    _with("subagents", files=[{"name": "a", "size": -1, "sha256": "a" * 64, "content_type": ""}]),
    _with("subagents", files=[{"name": "a", "size": 1, "sha256": "b", "content_type": ""}]),
    _changed(
        messages=[{"role": "subagent", "content": "", "subagent_id": "0" * 32} for _ in range(2)],
    ),
    _changed(subagents=[{**BARE["subagents"][0], "id": "0" * 32} for _ in range(2)]),
]


@pytest.mark.parametrize("document", WRONG)
def test_what_is_no_export_is_refused_and_leaves_nothing(client: APIClient, document: Any) -> None:
    answer = client.post(IMPORT, document, format="json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] in ("invalid_document", "unknown_version")
    assert len(answer.content) < 2000
    assert not ChatSession.objects.exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema_version": NaN}', b"PK\x03\x04"],
)
def test_a_file_that_is_no_json_is_refused(client: APIClient, bob: Any, body: bytes) -> None:
    stored = uploaded(bob.pk, body or b" ", "x.json")
    answer = client.post(IMPORT, {"file": str(stored.pk)})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_document")


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_without_end_is_refused(number: str) -> None:
    text = json.dumps(_with("tool_calls", args={"n": 12345})).replace("12345", number)
    with pytest.raises(Refusal) as refusal:
        reading.read(reading.parsed(text.encode()))
    assert refusal.value.code == "invalid_document"


def test_a_large_document_goes_by_an_upload(client: APIClient, bob: Any) -> None:
    document = _changed(messages=[{"role": "user", "content": "é" * 1000} for _ in range(1000)])
    body = json.dumps(document, ensure_ascii=False).encode()
    assert len(body) > 1024**2
    stored = uploaded(bob.pk, body, "chat.json")
    told = client.post(IMPORT, {"file": str(stored.pk)})
    assert (told.status_code, told.json()["message_count"]) == (201, 1000)


def test_large_documents_are_taken_one_at_a_time(
    client: APIClient, bob: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_api, "WAIT_SECONDS", 0.01)
    stored = uploaded(bob.pk, json.dumps(BARE).encode(), "chat.json")
    with import_api._room:
        answer = client.post(IMPORT, {"file": str(stored.pk)})
        assert client.post(IMPORT, BARE).status_code == 201
    assert (answer.status_code, answer.json()["code"]) == (503, "import_busy")
    assert "Retry-After" in answer
    assert client.post(IMPORT, {"file": str(uuid4())}).status_code == 404
    assert client.post(IMPORT, {"file": str(stored.pk)}).status_code == 201


@pytest.mark.parametrize("version", [1, 2])
def test_a_message_longer_than_any_body_is_refused(bob: Any, version: int) -> None:
    document = _with("messages", content="x" * (1024**2 + 1))
    if version == 1:
        document = {**document, "schema_version": 1}
        del document["tool_calls"]
    with pytest.raises(Refusal, match=r"\$\.messages\[0\]\.content"):
        imported(bob, document)
    document["messages"][0]["content"] = "x" * 1024**2
    assert len(imported(bob, document).messages.in_order()[0].content) == 1024**2


def test_a_document_that_is_too_large_is_refused_by_size(client: APIClient, bob: Any, settings: Any) -> None:
    stored = uploaded(bob.pk, json.dumps(BARE).encode(), "chat.json")
    settings.IMPORT_MAX_BYTES = stored.size - 1
    answer = client.post(IMPORT, {"file": str(stored.pk)})
    assert (answer.status_code, answer.json()["code"]) == (413, "import_too_large")
    settings.IMPORT_MAX_BYTES = stored.size
    assert client.post(IMPORT, {"file": str(stored.pk)}).status_code == 201


@pytest.mark.parametrize("value", [[], {}, ""])
def test_a_document_of_countless_values_is_refused_before_it_fills_the_memory(
    client: APIClient, bob: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    settings.IMPORT_MAX_BYTES = 64 * 1024
    monkeypatch.setattr(reading, "VALUES_ALLOWED", 0)
    few, many = (_with("tool_calls", args={"a": [value] * count}) for count in (1_000, 10_000))
    stored = uploaded(bob.pk, json.dumps(many).encode(), "chat.json")
    answer = client.post(IMPORT, {"file": str(stored.pk)})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_document")
    assert "too many values" in answer.json()["detail"]
    stored = uploaded(bob.pk, json.dumps(few).encode(), "chat.json")
    assert client.post(IMPORT, {"file": str(stored.pk)}).status_code == 201


@pytest.mark.parametrize("given", ["", "x", "../../etc/passwd", None, 1, {"a": 1}])
def test_a_file_that_is_not_there_is_not_found(client: APIClient, given: Any) -> None:
    answer = client.post(IMPORT, {"file": given}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


def test_a_file_of_another_user_is_not_found(client: APIClient, ann: Any) -> None:
    stored = uploaded(ann.pk, json.dumps(BARE).encode(), "chat.json")
    assert client.post(IMPORT, {"file": str(stored.pk)}).status_code == 404


def test_nobody_imports_without_an_account() -> None:
    assert APIClient().post(IMPORT, BARE, format="json").status_code in (401, 403)


def test_the_same_key_imports_once(client: APIClient) -> None:
    headers = {"Idempotency-Key": "key"}
    first, second = (client.post(IMPORT, BARE, headers=headers).json()["id"] for _ in range(2))
    assert first == second
    assert ChatSession.objects.count() == 1


def test_two_with_the_same_key_at_once_make_one_session(bob: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = imported_with_key(bob)
    answers = iter([None, first])
    monkeypatch.setattr(restoring, "_earlier", lambda owner, key: next(answers))
    assert imported_with_key(bob) == first
    assert ChatSession.objects.count() == 1


def imported_with_key(owner: Any) -> ChatSession:
    """Import the same document under the same key."""
    return restoring.restore(owner, reading.read(BARE), "key")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(data=st.data())
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_document_changed_anyhow_is_restored_or_refused(bob: Any, data: st.DataObject) -> None:
    document = _with("messages", id="0" * 32, created_at="2025-01-01T00:00:00Z", turn_id=None)
    where = data.draw(st.sampled_from(["session", "messages", "tool_calls", "subagents"]))
    target = document[where] if where == "session" else document[where][0]
    name = data.draw(st.sampled_from([*target, "id", "args", "error", "files", "queued_at", "duration_ms"]))
    target[name] = data.draw(anything)
    count = ChatSession.objects.count()
    try:
        restoring.restore(bob, reading.read(document))
    except Refusal:
        assert ChatSession.objects.count() == count
    else:
        assert ChatSession.objects.count() == count + 1


def test_it_can_be_said_anew_what_was_said_in_it(client: APIClient) -> None:
    told = client.post(IMPORT, BARE).json()
    asked, answer = ChatSession.objects.get(pk=told["id"]).messages.in_order()
    again = client.post(f"/api/sessions/{told['id']}/messages/{answer.pk}/regenerate/")
    assert again.status_code in (200, 201, 202), again.content
    Turn.objects.unfinished().update(state="cancelled")
    edited = client.post(f"/api/sessions/{told['id']}/messages/{asked.pk}/edit/", {"content": "Hey"})
    assert edited.status_code == 201, edited.content


def test_a_body_over_a_mebibyte_is_refused(client: APIClient) -> None:
    answer = client.post(IMPORT, _with("messages", content="x" * 1024**2), format="json")
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
