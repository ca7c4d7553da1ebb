"""What may be exported, and how it is asked for."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents_app import gateway
from exports_app.models import Export
from exports_app.options import ExportOptions
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work


@pytest.fixture
def client(ann: Any, client_of: Callable[[Any], APIClient]) -> APIClient:
    """Ann's client."""
    return client_of(ann)


def test_an_export_is_asked_for_shown_and_listed(client: APIClient, session: ChatSession) -> None:
    asked = client.post("/api/exports/", {"session_id": str(session.pk), "format": "json"})
    export = asked.json()
    assert (asked.status_code, export["state"], export["download_url"]) == (202, "queued", None)
    assert client.get(f"/api/exports/{export['export_id']}/").json() == export
    assert client.get(f"/api/exports/?session_id={session.pk}").json()["results"] == [export]
    assert client.get(f"/api/sessions/{session.pk}/").json()["exports"] == [export]


@pytest.mark.parametrize("file_format", ["odt", "", "JSON", "../json", "x" * 400])
def test_an_unknown_format_is_refused_with_those_there_are(
    client: APIClient, session: ChatSession, file_format: str
) -> None:
    answer = client.post("/api/exports/", {"session_id": str(session.pk), "format": file_format})
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_format")
    assert "json, markdown" in answer.json()["detail"]
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"include_metadata": "yes"},
        {"include_metadata": 1},
        {"include_metadata": None},
        {"colour": "red"},
        {"include_metadata": True, "path": "/etc"},
    ],
)
def test_options_that_make_no_sense_are_refused(session: ChatSession, options: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        gateway.request_export(session.pk, "json", options)
    assert refusal.value.code == "invalid_options"


@pytest.mark.parametrize("options", [[], "text", 1, None, False])
def test_options_that_are_no_object_are_refused(
    client: APIClient, session: ChatSession, options: Any
) -> None:
    wish = {"session_id": str(session.pk), "format": "json", "options": options}
    answer = client.post("/api/exports/", wish, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_options")


def test_an_option_beside_the_options_is_refused_and_not_overlooked(
    client: APIClient, session: ChatSession
) -> None:
    wish = {"session_id": str(session.pk), "format": "json", "include_metadata": False}
    answer = client.post("/api/exports/", wish, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_options")
    assert "include_metadata" in answer.json()["detail"]
    assert not Export.objects.exists()


def test_the_same_key_exports_once(client: APIClient, session: ChatSession) -> None:
    wish, headers = {"session_id": str(session.pk), "format": "json"}, {"Idempotency-Key": "key"}
    first, second = (client.post("/api/exports/", wish, headers=headers).json() for _ in range(2))
    assert first["export_id"] == second["export_id"]


def test_a_key_that_named_other_work_before_is_no_error(client: APIClient, session: ChatSession) -> None:
    headers = {"Idempotency-Key": "key"}
    task = {"session_id": str(session.pk), "agent_type": "tool_executor", "task": {"tool_name": "probe"}}
    client.post("/api/subagents/", task, headers=headers)
    wish = {"session_id": str(session.pk), "format": "json"}
    answer = client.post("/api/exports/", wish, headers=headers)
    assert answer.status_code in (202, 409, 422)


def test_an_export_can_be_spawned_as_any_agent(client: APIClient, session: ChatSession) -> None:
    task = {"session_id": str(session.pk), "agent_type": "export_agent", "task": {"format": "markdown"}}
    assert client.post("/api/subagents/", task).status_code == 202
    assert Export.objects.get().options == ExportOptions().stored()


def test_an_ended_export_is_tried_again_as_an_export_of_its_own(
    client: APIClient, session: ChatSession
) -> None:
    subagent = work.export(session)
    gateway.cancel(subagent.pk)
    again = client.post(f"/api/subagents/{subagent.pk}/retry/").json()
    assert Export.objects.get(subagent_id=again["subagent_id"]).format == "json"
    assert Export.objects.count() == 2


def test_the_model_can_ask_for_an_export(session: ChatSession) -> None:
    call = gateway.execute_tool(session, "export_session", {"format": "markdown"})
    assert Export.objects.get().format == "markdown"
    assert "Export as Markdown" in str(getattr(call, "result", ""))
