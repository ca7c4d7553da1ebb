"""The JSON export is the session."""

import json
from collections.abc import Callable
from typing import Any

from agents_app import pool
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from exports_app.models import Export
from sessions_app import lifecycle, messages
from sessions_app.models import ChatSession
from tests.agents import work

Render = Callable[..., Export]
HOSTILE = ['"quotes" and \\', "</script>", "\u2028\u2029", "é😀", "a\tb\nc", "{[,]}"]


def _document(export: Export) -> Any:
    with export.file.open("rb") as file:
        return json.load(file)


def test_the_document_equals_the_session(
    session: ChatSession, render: Render, say: Callable[..., None], ann: Any
) -> None:
    lifecycle.rename(session.pk, "Hostile ‹title› \"'</script>")
    say(*HOSTILE)
    say("Answer", role="assistant")
    document = _document(render(session))
    assert document["schema_version"] == 2
    told = document["session"]
    assert (told["id"], told["title"]) == (str(session.pk), "Hostile ‹title› \"'</script>")
    assert (told["owner"], told["message_count"]) == ("ann", len(HOSTILE) + 1)
    rows = list(session.messages.in_order().values_list("role", "content"))
    assert [(row["role"], row["content"]) for row in document["messages"]] == rows


def test_an_empty_session_is_a_valid_document(session: ChatSession, render: Render) -> None:
    document = _document(render(session))
    assert (document["messages"], document["subagents"]) == ([], [])


def test_subagents_are_there_with_what_they_were_given_and_gave_back(
    session: ChatSession, render: Render
) -> None:
    subagent = work.running(session, args={"seconds": 1})
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "Three."}))
    (row,) = _document(render(session))["subagents"]
    assert (row["id"], row["state"], row["args"]) == (str(subagent.pk), "succeeded", {"seconds": 1})
    assert row["result"]["summary"] == "Three."


def test_without_metadata_only_what_was_said_is_there(
    session: ChatSession, render: Render, say: Callable[..., None]
) -> None:
    say("Hello")
    work.queue(session)
    document = _document(render(session, include_metadata=False))
    assert document["session"] == {"title": str(session)}
    assert document["messages"] == [{"role": "user", "content": "Hello"}]
    assert set(document["subagents"][0]) == {"tool_name", "title", "state", "result", "error"}
    assert str(session.pk) not in json.dumps(document).replace(str(session), "")


def test_another_sessions_messages_are_not_in_it(session: ChatSession, render: Render, ann: Any) -> None:
    messages.post(lifecycle.start(ann).pk, "Other")
    messages.post(session.pk, "Mine")
    assert [row["content"] for row in _document(render(session))["messages"]] == ["Mine"]


def test_many_messages_are_all_there_in_order(
    session: ChatSession, render: Render, say: Callable[..., None]
) -> None:
    say(*(f"Message {number}" for number in range(1200)))
    contents = [row["content"] for row in _document(render(session))["messages"]]
    assert contents == [f"Message {number}" for number in range(1200)]
