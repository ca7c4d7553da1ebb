"""Which chats an archive may have, and how it is asked for."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from agents_app import gateway
from agents_app.models import Pool, Subagent
from exports_app import exporting
from exports_app.models import Export
from exports_app.selection import CHATS_AT_MOST
from sessions_app import lifecycle, messages
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Ann's client."""
    return client_of(ann)


@pytest.fixture
def chats(ann: Any) -> list[str]:
    """The ids of three chats of ann's, the oldest first."""
    return [str(lifecycle.start(ann, f"Chat {number}").pk) for number in range(3)]


def ask(client: APIClient, session_ids: Any, **more: Any) -> Any:
    """Ask for an archive."""
    body = {"format": "json", "session_ids": session_ids, **more}
    return client.post("/api/exports/", body, format="json")


def test_an_archive_has_a_new_chat_of_its_own(client: APIClient, chats: list[str]) -> None:
    answer = ask(client, chats)
    export = answer.json()
    assert (answer.status_code, export["state"], export["is_archive"]) == (202, "queued", True)
    assert (export["session_count"], export["format"]) == (3, "json")
    assert export["session_id"] not in chats
    assert ChatSession.objects.get(pk=export["session_id"]).title == "Export of 3 chats"
    assert client.get(f"/api/sessions/{export['session_id']}/").json()["exports"] == [export]
    assert Subagent.objects.get().args["session_ids"] == list(reversed(chats))


def test_an_archive_can_be_shown_in_a_chat_that_is_named(client: APIClient, chats: list[str]) -> None:
    export = ask(client, chats[:1], session_id=chats[2]).json()
    assert (export["session_id"], export["session_count"], export["is_archive"]) == (chats[2], 1, True)
    assert ChatSession.objects.count() == 3


def test_all_are_those_that_were_not_deleted_archived_ones_too(
    client: APIClient, chats: list[str], bob: Any
) -> None:
    lifecycle.start(bob, "Bob's")
    lifecycle.archive(UUID(chats[1]))
    lifecycle.delete(UUID(chats[2]))
    assert ask(client, "all").json()["session_count"] == 2
    assert Subagent.objects.get().args["session_ids"] == [chats[1], chats[0]]


def test_the_same_key_makes_one_archive_in_one_chat(client: APIClient, chats: list[str]) -> None:
    body, headers = {"format": "json", "session_ids": chats}, {"Idempotency-Key": "key" * 33}
    first, second = (
        client.post("/api/exports/", body, format="json", headers=headers).json() for _ in range(2)
    )
    assert first == second
    assert ChatSession.objects.count() == 4
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    "wanted",
    [
        [], "none", "", None, 7, {}, ["x"], [None], [[]], [str(UUID(int=1))] * 2,
        [str(UUID(int=number)) for number in range(CHATS_AT_MOST + 1)],
    ],
    ids=lambda wanted: f"{wanted}"[:20],
)  # fmt: skip
def test_what_names_no_chats_is_refused_before_anything_is_queued(
    client: APIClient, session: ChatSession, wanted: Any
) -> None:
    answer = ask(client, wanted)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_sessions")
    assert not Subagent.objects.exists()
    assert ChatSession.objects.count() == 1


def test_all_of_no_chats_is_refused(client: APIClient) -> None:
    assert ask(client, "all").json()["code"] == "invalid_sessions"
    assert not ChatSession.objects.exists()


def test_a_chat_of_another_looks_like_none(client: APIClient, chats: list[str], bob: Any) -> None:
    foreign = str(lifecycle.start(bob, "Bob's").pk)
    lifecycle.delete(UUID(chats[2]))
    answers = [ask(client, [chats[0], other]) for other in (foreign, str(uuid4()), chats[2])]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}
    assert ask(client, chats[:1], session_id=foreign).status_code == 404
    assert not Subagent.objects.exists()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"options": {"first_message": 1}}, "invalid_options"),
        ({"options": {"last_message": 9}}, "invalid_options"),
        ({"options": {"colour": "red"}}, "invalid_options"),
        ({"format": "odt"}, "unsupported_format"),
    ],
)
def test_what_an_archive_cannot_be_is_refused_and_makes_no_chat(
    client: APIClient, chats: list[str], more: dict[str, Any], code: str
) -> None:
    assert ask(client, chats, **more).json()["code"] == code
    assert ChatSession.objects.count() == 3


def test_an_archive_that_has_no_room_in_the_queue_makes_no_chat(client: APIClient, chats: list[str]) -> None:
    Pool.objects.filter(pk="exports").update(queue_limit=0)
    answer = ask(client, chats)
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert ChatSession.objects.count() == 3


def test_an_export_of_nothing_is_refused(client: APIClient) -> None:
    answer = client.post("/api/exports/", {"format": "json"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("argument", ["as_staff", "session_id"])
def test_no_task_says_that_it_is_staffs(client: APIClient, chats: list[str], argument: str) -> None:
    task = {"format": "json", argument: True}
    body = {"session_id": chats[0], "agent_type": "export_agent", "task": task}
    answer = client.post("/api/subagents/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_options")


def test_a_thousand_chats_are_one_archive(client: APIClient, ann: Any) -> None:
    ChatSession.objects.bulk_create(ChatSession(owner=ann) for _ in range(CHATS_AT_MOST))
    assert ask(client, "all").json()["session_count"] == CHATS_AT_MOST
    answer = ask(client, "all")
    assert answer.json()["code"] == "invalid_sessions"


@pytest.mark.parametrize(
    ("words", "file_format", "is_archive"),
    [
        ("/export", "markdown", False),
        ("/export pdf all", "pdf", True),
        ('/export html all {"theme": "dark"}', "html", True),
        ('/export json {"include_tools": false}', "json", False),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_the_command_exports_the_chat_or_all(
    session: ChatSession, ann: Any, words: str, file_format: str, is_archive: bool
) -> None:
    lifecycle.start(ann)
    messages.post(session.pk, words)
    export = exporting.payload(Export.objects.get())
    assert (export["format"], export["is_archive"]) == (file_format, is_archive)
    assert (export["session_count"], export["session_id"]) == (2 if is_archive else 1, str(session.pk))


@pytest.mark.parametrize(
    "words", ["/export pdf every", "/export pdf all all", "/export all", "/export json all {"]
)
@pytest.mark.django_db(transaction=True)
def test_a_command_that_makes_no_sense_is_refused(session: ChatSession, words: str) -> None:
    with pytest.raises(Refusal):
        messages.post(session.pk, words)
    assert not session.messages.exists()


@pytest.mark.django_db(transaction=True)
def test_the_model_can_ask_for_all_chats(session: ChatSession, ann: Any) -> None:
    lifecycle.start(ann)
    gateway.execute_tool(session, "export_session", {"format": "json", "all_chats": True, "theme": "dark"})
    assert exporting.payload(Export.objects.get())["session_count"] == 2
