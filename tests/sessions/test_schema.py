"""The OpenAPI document: valid, complete, open to read."""

import io
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The document as the command writes it."""
    written = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)
    document: dict[str, Any] = yaml.safe_load(written.getvalue())
    return document


def test_the_schema_is_valid_and_written_without_a_warning(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.")
    assert "/api/sessions/{id}/" in schema["paths"]


def test_every_operation_says_what_it_does_and_answers(schema: dict[str, Any]) -> None:
    for address, operations in schema["paths"].items():
        for verb, operation in operations.items():
            assert operation.get("description"), f"{verb} {address}"
            assert any(code.startswith("2") for code in operation["responses"]), f"{verb} {address}"


def test_what_creates_work_documents_its_idempotency_key(schema: dict[str, Any]) -> None:
    for address in ("/api/subagents/", "/api/exports/", "/api/tools/{name}/execute/"):
        names = [parameter["name"] for parameter in schema["paths"][address]["post"].get("parameters", [])]
        assert "Idempotency-Key" in names, address


def test_the_schema_is_served_to_anybody(db: None) -> None:
    assert APIClient().get("/api/schema/").status_code == 200


def test_exports_document_how_they_are_asked_for_listed_and_downloaded(schema: dict[str, Any]) -> None:
    names = [parameter["name"] for parameter in schema["paths"]["/api/exports/"]["get"]["parameters"]]
    assert "session_id" in names
    assert set(schema["paths"]["/api/exports/"]["post"]["responses"]) == {"200", "202"}
    answers = schema["paths"]["/exports/{export_id}/"]["get"]["responses"]
    assert {status: list(answer["content"]) for status, answer in answers.items()} == {
        "200": ["*/*"],
        "206": ["*/*"],
    }
