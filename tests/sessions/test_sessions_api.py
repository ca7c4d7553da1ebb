"""REST: sessions, messages, events."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from sessions_app import lifecycle, messages
from sessions_app.models import ChatSession


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Ann's client."""
    return client_of(ann)


def test_a_session_is_started_shown_renamed_and_deleted(client: APIClient) -> None:
    started = client.post("/api/sessions/", {"title": "Mine"})
    assert (started.status_code, started.json()["title"]) == (201, "Mine")
    address = f"/api/sessions/{started.json()['id']}/"
    assert client.patch(address, {"title": "Yours"}).json()["title"] == "Yours"
    shown = client.get(address).json()
    assert (shown["title"], shown["state"], shown["last_seq"]) == ("Yours", "active", 2)
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert client.delete(address).status_code == 404


@pytest.mark.parametrize("field", ["state", "model", "message_count", "last_seq", "owner", "id"])
def test_what_only_the_verbs_change_cannot_be_patched(
    client: APIClient, session: ChatSession, field: str
) -> None:
    before = client.get(f"/api/sessions/{session.pk}/").json()
    client.patch(f"/api/sessions/{session.pk}/", {field: "stopped"})
    assert client.get(f"/api/sessions/{session.pk}/").json() == before


@pytest.mark.parametrize("title", [None, 1.5, ["a"], {"a": 1}, "x" * 201, "a\x00b"])
def test_a_title_that_is_no_title_is_refused(client: APIClient, session: ChatSession, title: Any) -> None:
    answer = client.patch(f"/api/sessions/{session.pk}/", {"title": title})
    if title == 1.5:
        assert answer.json()["title"] == "1.5"
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_the_verbs_move_the_session(client: APIClient, session: ChatSession) -> None:
    for verb, state in [("archive", "archived"), ("restore", "active"), ("stop", "stopped")]:
        assert client.post(f"/api/sessions/{session.pk}/{verb}/").json()["state"] == state
    refused = client.post(f"/api/sessions/{session.pk}/restore/")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


def test_the_list_has_the_one_last_talked_in_first(client: APIClient, ann: Any) -> None:
    first, second = lifecycle.start(ann, "first"), lifecycle.start(ann, "second")
    messages.post(first.pk, "Hello")
    assert [row["title"] for row in client.get("/api/sessions/").json()["results"]] == ["first", "second"]
    assert second.pk != first.pk


def test_the_list_comes_in_pages_and_shows_each_session_once(client: APIClient, ann: Any) -> None:
    for number in range(7):
        lifecycle.start(ann, f"{number}")
    page = client.get("/api/sessions/?page_size=3").json()
    titles = [row["title"] for row in page["results"]]
    lifecycle.start(ann, "new")
    while page["next"]:
        page = client.get(page["next"]).json()
        titles += [row["title"] for row in page["results"]]
    assert titles == ["6", "5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("size", ["0", "-1", "abc", "1000000"])
def test_a_page_size_that_makes_no_sense_is_bounded(client: APIClient, ann: Any, size: str) -> None:
    lifecycle.start(ann)
    answer = client.get(f"/api/sessions/?page_size={size}")
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 1


def test_a_cursor_that_makes_no_sense_is_refused(client: APIClient) -> None:
    answer = client.get("/api/sessions/?cursor=%00abc")
    assert (answer.status_code, answer["content-type"]) == (404, "application/problem+json")


def test_the_list_is_searched_by_title_and_filtered_by_state(client: APIClient, ann: Any) -> None:
    lifecycle.start(ann, "Apples and pears")
    archived = lifecycle.start(ann, "Pears 100%")
    lifecycle.archive(archived.pk)

    def titles(query: str) -> list[str]:
        return sorted(row["title"] for row in client.get(f"/api/sessions/?{query}").json()["results"])

    assert titles("search=APPLE") == ["Apples and pears"]
    assert titles("search=pears") == ["Apples and pears", "Pears 100%"]
    assert titles("search=100%25") == ["Pears 100%"]
    assert titles("search=%25") == ["Pears 100%"]
    assert titles("search=pears&state=archived") == ["Pears 100%"]
    assert titles("search=plums") == []


def test_a_search_for_a_nul_character_finds_nothing(client: APIClient, session: ChatSession) -> None:
    answer = client.get("/api/sessions/?search=%00")
    assert answer.status_code in (200, 400)


def test_an_unknown_state_is_refused(client: APIClient) -> None:
    assert client.get("/api/sessions/?state=asleep").json()["code"] == "invalid_request"


def test_messages_are_posted_listed_and_read(client: APIClient, session: ChatSession) -> None:
    address = f"/api/sessions/{session.pk}/messages/"
    posted = client.post(address, {"content": "**Hello**"})
    assert (posted.status_code, posted.json()["role"]) == (201, "user")
    listed = client.get(address).json()["results"]
    assert listed == [posted.json()]
    one = client.get(f"{address}{posted.json()['message_id']}/").json()
    assert one == posted.json()
    assert "<strong>" in one["html"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": ""}, "empty_message"),
        ({"content": "x" * 32_001}, "message_too_long"),
        ({}, "invalid_request"),
        ({"content": None}, "invalid_request"),
        ({"content": {"a": 1}}, "invalid_request"),
        ([], "invalid_request"),
        ("text", "invalid_request"),
    ],
)
def test_a_message_that_is_none_is_refused_with_a_code(
    client: APIClient, session: ChatSession, body: Any, code: str
) -> None:
    answer = client.post(f"/api/sessions/{session.pk}/messages/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not session.messages.exists()


@pytest.mark.parametrize("name", ["title", "content"])
def test_half_a_surrogate_pair_is_refused(client: APIClient, session: ChatSession, name: str) -> None:
    address = f"/api/sessions/{session.pk}/" + ("messages/" if name == "content" else "")
    send = client.post if name == "content" else client.patch
    answer = send(address, f'{{"{name}": "a\\ud800b"}}', content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_the_same_idempotency_key_answers_with_the_first_message(
    client: APIClient, session: ChatSession
) -> None:
    address = f"/api/sessions/{session.pk}/messages/"
    headers = {"Idempotency-Key": "abc"}
    first = client.post(address, {"content": "Hello"}, headers=headers).json()
    assert client.post(address, {"content": "Hello"}, headers=headers).json() == first
    assert session.messages.count() == 1


def test_an_idempotency_key_that_is_too_long_is_refused(client: APIClient, session: ChatSession) -> None:
    address = f"/api/sessions/{session.pk}/messages/"
    answer = client.post(address, {"content": "Hello"}, headers={"Idempotency-Key": "x" * 101})
    assert answer.json()["code"] == "invalid_idempotency_key"


def test_events_after_a_seq_are_listed_in_order(client: APIClient, session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    events = client.get(f"/api/sessions/{session.pk}/events/?after=1").json()
    assert [event["seq"] for event in events] == [2, 3]
    assert events[0]["kind"] == "message.added"
    assert events[0]["session_id"] == str(session.pk)


@pytest.mark.parametrize("after", ["abc", "-1", "1.5", str(2**63), "%00"])
def test_an_after_that_makes_no_sense_is_refused(client: APIClient, session: ChatSession, after: str) -> None:
    answer = client.get(f"/api/sessions/{session.pk}/events/?after={after}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_after")


def test_the_snapshot_holds_all_that_a_page_needs(client: APIClient, session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    shown = client.get(f"/api/sessions/{session.pk}/").json()
    assert set(shown) >= {"last_seq", "messages", "turn", "notices", "subagents", "tool_calls", "exports"}
    assert [message["content"] for message in shown["messages"]] == ["Hello"]
    assert shown["turn"]["state"] == "queued"


def test_a_session_that_is_asked_for_twice_with_one_key_is_started_once(
    client: APIClient, bob: Any, client_of: Callable[[Any], APIClient]
) -> None:
    def start(by: APIClient, key: str) -> str:
        answer = by.post("/api/sessions/", {"title": "One"}, headers={"Idempotency-Key": key})
        assert answer.status_code == 201
        return str(answer.json()["id"])

    first = start(client, "a-key")
    assert start(client, "a-key") == first
    assert start(client, "another") != first
    assert start(client, "") != start(client, "")
    assert start(client_of(bob), "a-key") != first
    lifecycle.delete(UUID(first))
    assert start(client, "a-key") != first


def test_a_key_that_is_too_long_starts_nothing(client: APIClient) -> None:
    answer = client.post("/api/sessions/", {}, headers={"Idempotency-Key": "x" * 101})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert not ChatSession.objects.exists()
