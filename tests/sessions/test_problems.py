"""Every error of the REST door is a problem document with a code."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from rest_framework.test import APIClient

from sessions_app.models import ChatSession


def _assert_problem(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer["content-type"] == "application/problem+json"
    problem = json.loads(answer.content)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["title"]
    assert problem["detail"]


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Ann's client."""
    return client_of(ann)


@pytest.mark.parametrize(
    "address",
    ["/api/sessions/", "/api/subagents/", "/api/exports/", "/api/tools/", "/api/pools/"],
)
def test_who_is_not_logged_in_is_told_so(db: None, address: str) -> None:
    answer = APIClient().get(address)
    _assert_problem(answer, 401, "not_authenticated")
    assert answer["www-authenticate"] == "Token"


def test_a_wrong_token_is_told_so(db: None) -> None:
    answer = APIClient().get("/api/sessions/", headers={"Authorization": "Token wrong"})
    _assert_problem(answer, 401, "authentication_failed")


def test_a_cookie_without_the_csrf_token_changes_nothing(ann: Any) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ann)
    _assert_problem(client.post("/api/sessions/", {}), 403, "permission_denied")
    assert not ChatSession.objects.exists()


@pytest.mark.parametrize("address", ["/api/sessions/{}/", "/api/subagents/{}/", "/api/exports/{}/"])
def test_what_is_not_there_is_told_so(client: APIClient, address: str) -> None:
    _assert_problem(client.get(address.format(uuid4())), 404, "not_found")


@pytest.mark.parametrize("address", ["/api/nothing/", "/api/sessions/1/", "/api/tools/nothing/"])
def test_an_address_that_is_none_is_told_so(client: APIClient, address: str) -> None:
    _assert_problem(client.get(address), 404, "not_found")


def test_a_verb_that_is_not_allowed_is_told_so(client: APIClient) -> None:
    answer = client.put("/api/sessions/", {})
    _assert_problem(answer, 405, "method_not_allowed")
    assert answer["allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_body_that_is_not_json_is_told_so(client: APIClient) -> None:
    answer = client.post("/api/sessions/", "title=x", content_type="application/x-www-form-urlencoded")
    _assert_problem(answer, 415, "unsupported_media_type")


def test_an_answer_that_is_not_json_cannot_be_had(client: APIClient) -> None:
    _assert_problem(client.get("/api/sessions/", headers={"Accept": "text/xml"}), 406, "not_acceptable")


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff", b'{"title": NaN}', b"[" * 100_000, b'{"a": ' * 100_000, b"{}{}"]
)
def test_malformed_json_is_told_so(client: APIClient, session: ChatSession, body: bytes) -> None:
    address = f"/api/sessions/{session.pk}/messages/"
    answer = client.post(address, body, content_type="application/json")
    _assert_problem(answer, 400, "malformed_json" if body else "invalid_request")


def test_what_is_wrong_with_which_field_is_told(client: APIClient) -> None:
    answer = client.post("/api/sessions/", {"title": "x" * 201})
    _assert_problem(answer, 400, "invalid_request")
    assert list(answer.json()["errors"]) == ["title"]


def test_a_body_over_the_limit_is_refused(client: APIClient, session: ChatSession, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    body = {"session_id": str(session.pk), "args": {"text": "x" * 10_000}}
    answer = client.post("/api/tools/probe_fast/execute/", body)
    assert answer.status_code in (400, 413)
    assert answer["content-type"] == "application/problem+json"
    assert not session.tool_calls.exists()


@pytest.fixture
def full_database(transactional_db: None) -> Iterator[None]:
    """A database that has no room for a message of some size."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for statement in _FULL_SQLITE if is_sqlite else _FULL_POSTGRES:
            cursor.execute(statement)
    yield
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1073741823" if is_sqlite else "DROP FUNCTION no_room CASCADE")


# A page count below the present one is that one.
_FULL_SQLITE = ["VACUUM", "PRAGMA max_page_count = 1"]
_FULL_POSTGRES = [
    """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END $$""",
    "CREATE TRIGGER no_room BEFORE INSERT ON sessions_app_message EXECUTE FUNCTION no_room()",
]


@pytest.mark.usefixtures("full_database")
def test_a_database_without_room_is_told_as_what_passes(client: APIClient, session: ChatSession) -> None:
    answer = client.post(f"/api/sessions/{session.pk}/messages/", {"content": "x" * 30_000})
    _assert_problem(answer, 503, "database_unavailable")
    assert answer["retry-after"] == "10"
    assert not session.messages.exists()
