"""The options of an export are the same at every door, and what makes no sense is refused there."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from agents_app import gateway
from exports_app import options
from exports_app.models import Export
from exports_app.options import ExportOptions
from sessions_app import messages
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

WRONG: list[Any] = [
    {"include_tools": 1},
    {"include_tools": None},
    {"first_message": 0},
    {"first_message": -1},
    {"first_message": True},
    {"first_message": 1.0},
    {"first_message": "1"},
    {"last_message": 10**10},
    {"first_message": 2, "last_message": 1},
    {"first_message": 4},
    {"page_size": "a5"},
    {"page_size": ["a4"]},
    {"page_size": None},
    {"theme": "LIGHT"},
    {"colour": "red"},
    {"": 1},
]


def test_without_any_the_whole_is_wanted() -> None:
    assert options.read({}) == ExportOptions()


def test_what_is_stored_is_read_again_as_it_was() -> None:
    chosen = ExportOptions(include_tools=False, first_message=2, last_message=9, theme="dark")
    assert options.read(chosen.stored()) == chosen


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(Refusal, match="object"):
        options.read(value)


@pytest.mark.parametrize("wrong", WRONG)
def test_rest_refuses_what_makes_no_sense(
    session: ChatSession,
    say: Callable[..., None],
    ann: Any,
    client_of: Callable[[Any], APIClient],
    wrong: Any,
) -> None:
    say("a", "b", "c")
    wish = {"session_id": str(session.pk), "format": "json", "options": wrong}
    answer = client_of(ann).post("/api/exports/", wish)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_options")
    assert not Export.objects.exists()


@pytest.mark.parametrize("wrong", WRONG)
def test_the_model_is_refused_what_makes_no_sense(
    session: ChatSession, say: Callable[..., None], wrong: Any
) -> None:
    say("a", "b", "c")
    assert _refused(session, {"format": "json", **wrong}) in ("invalid_arguments", "invalid_options")
    assert not Export.objects.exists()


def _refused(session: ChatSession, arguments: dict[str, Any]) -> str:
    """Return the code of why a call of the model is refused: before it is made, or by its result."""
    try:
        call: Any = gateway.execute_tool(session, "export_session", arguments)
    except Refusal as refusal:
        return refusal.code
    return str(call.error["code"])


def test_a_refused_range_says_how_many_messages_there_are(
    session: ChatSession, say: Callable[..., None]
) -> None:
    say("a", "b", "c")
    with pytest.raises(Refusal, match="has 3 messages; the export would begin with message 4"):
        gateway.request_export(session.pk, "json", {"first_message": 4})


def test_a_range_that_ends_behind_the_last_message_is_taken(
    session: ChatSession, say: Callable[..., None]
) -> None:
    say("a")
    gateway.request_export(session.pk, "json", {"last_message": 50})
    assert Export.objects.get().options["last_message"] == 50


@pytest.mark.parametrize("words", ["json {", "json [1]", 'json {"colour": "red"}', "json yes"])
def test_the_command_refuses_wrong_options_before_anything_is_said(session: ChatSession, words: str) -> None:
    with pytest.raises(Refusal) as refusal:
        messages.post(session.pk, f"/export {words}")
    assert refusal.value.code == "invalid_options"
    assert not session.messages.exists()


@pytest.mark.django_db(transaction=True)
def test_the_command_takes_options(session: ChatSession) -> None:
    messages.post(session.pk, '/export json {"include_tools": false}')
    assert Export.objects.get().options == ExportOptions(include_tools=False).stored()


@pytest.mark.django_db(transaction=True)
def test_a_range_that_the_command_cannot_give_is_said_in_the_chat(session: ChatSession) -> None:
    messages.post(session.pk, '/export json {"first_message": 9}')
    assert not Export.objects.exists()
    assert "would begin with message 9" in session.messages.in_order()[1].content


def test_the_model_chooses_by_the_same_names(session: ChatSession) -> None:
    gateway.execute_tool(session, "export_session", {"format": "json", "theme": "dark"})
    assert Export.objects.get().options == ExportOptions(theme="dark").stored()
