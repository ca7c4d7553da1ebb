"""What people say: taken once, whole, and only where it can be answered."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from sessions_app import lifecycle, messages
from sessions_app.errors import Refusal
from sessions_app.events import json_bytes, session_change
from sessions_app.models import ChatSession, Message
from sessions_app.payloads import CUT_TEXT_CHARACTERS, PAYLOAD_MAX_BYTES


def _refused(session: ChatSession, content: str) -> str:
    with pytest.raises(Refusal) as refusal:
        messages.post(session.pk, content)
    assert not session.messages.exists()
    return refusal.value.code


def test_the_first_message_gives_the_session_its_title(session: ChatSession) -> None:
    messages.post(session.pk, "  Count\n the   lines " + "x" * 100)
    session.refresh_from_db()
    assert session.title == ("Count the lines " + "x" * 100)[:80]
    messages.post(session.pk, "Something else")
    session.refresh_from_db()
    assert session.title.startswith("Count the lines")


def test_a_title_that_was_given_stays(ann: Any) -> None:
    session = lifecycle.start(ann, "Mine")
    messages.post(session.pk, "Hello")
    session.refresh_from_db()
    assert session.title == "Mine"


def test_a_message_is_told_counted_and_makes_the_session_active_now(
    session: ChatSession, kinds_of: Callable[[ChatSession], list[str]]
) -> None:
    before = session.last_activity_at
    message = messages.post(session.pk, "Hello")
    session.refresh_from_db()
    assert kinds_of(session) == ["session.started", "message.added", "session.updated"]
    assert (message.seq, session.message_count) == (2, 1)
    assert session.last_activity_at > before


@pytest.mark.parametrize("content", ["", "   \n\t ", "\x00", " \x00 "])
def test_an_empty_message_is_refused(session: ChatSession, content: str) -> None:
    assert _refused(session, content) == "empty_message"


def test_a_message_over_the_limit_is_refused(session: ChatSession) -> None:
    limit = settings.MESSAGE_MAX_CHARACTERS
    assert _refused(session, "x" * (limit + 1)) == "message_too_long"
    assert len(messages.post(session.pk, "x" * limit).content) == limit


def test_nul_characters_are_left_out(session: ChatSession) -> None:
    assert messages.post(session.pk, "a\x00b").content == "ab"


def test_the_same_idempotency_key_returns_the_first_message(session: ChatSession) -> None:
    first = messages.post(session.pk, "Hello", "key")
    again = messages.post(session.pk, "Hello", "key")
    assert (again.pk, session.messages.count()) == (first.pk, 1)
    assert messages.post(session.pk, "Hello", "other").pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_the_same_key_sent_many_times_at_once_makes_one_message(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    posted = together(*[lambda: messages.post(session.pk, "Hello", "key").pk] * 5)
    assert len(set(posted)) == 1
    assert session.messages.count() == 1


def test_a_key_counts_in_its_own_session_only(ann: Any, session: ChatSession) -> None:
    other = lifecycle.start(ann)
    assert messages.post(session.pk, "a", "key").pk != messages.post(other.pk, "b", "key").pk


def test_a_repeated_key_returns_the_message_also_after_the_session_was_stopped(session: ChatSession) -> None:
    first = messages.post(session.pk, "Hello", "key")
    lifecycle.stop(session.pk)
    assert messages.post(session.pk, "Hello", "key").pk == first.pk


@pytest.mark.parametrize("end", [lifecycle.archive, lifecycle.stop])
def test_a_session_that_is_put_away_takes_no_message(
    session: ChatSession, end: Callable[[Any], None]
) -> None:
    end(session.pk)
    assert _refused(session, "Hello") == "session_not_active"


def test_a_message_to_no_session_is_refused(db: None) -> None:
    with pytest.raises(Refusal) as refusal:
        messages.post(uuid4(), "Hello")
    assert refusal.value.code == "not_found"


@pytest.mark.parametrize("content", ["x" * 20_000, "*x* " * 4000, "\x01" * 9_000, "😀" * 7_000])
def test_a_long_message_is_cut_in_its_event_and_whole_in_rest(session: ChatSession, content: str) -> None:
    message = messages.post(session.pk, content)
    told = session.events.get(kind="message.added").payload
    assert told["truncated"] is True
    assert told["content"] == content[:CUT_TEXT_CHARACTERS]
    assert json_bytes(told) <= PAYLOAD_MAX_BYTES
    whole = messages.payload(message)
    assert whole["content"] == content.strip()
    assert whole["truncated"] is False
    assert whole["html"]


def test_a_short_message_is_told_whole_with_its_html(session: ChatSession) -> None:
    messages.post(session.pk, "**Hello**")
    told = session.events.get(kind="message.added").payload
    assert (told["content"], told["truncated"]) == ("**Hello**", False)
    assert "<strong>Hello</strong>" in told["html"]


def _draft(session: ChatSession) -> Message:
    with session_change(session.pk) as change:
        return messages.add(change, role="assistant", content="", state="streaming")


def test_streaming_text_ends_once(session: ChatSession, kinds_of: Callable[[ChatSession], list[str]]) -> None:
    draft = _draft(session)
    with session_change(session.pk) as change:
        assert messages.complete(change, draft, "All.")
        assert not messages.complete(change, draft, "Other.")
    draft.refresh_from_db()
    assert (draft.state, draft.content) == ("complete", "All.")
    assert kinds_of(session).count("message.completed") == 1


def test_an_older_generation_can_neither_save_nor_end_the_draft(session: ChatSession) -> None:
    draft = _draft(session)
    Message.objects.filter(pk=draft.pk).update(generation=2)
    assert not messages.save_draft(draft.pk, 1, "old")
    with session_change(session.pk) as change:
        assert not messages.complete(change, draft, "old")
    assert messages.save_draft(draft.pk, 2, "new")
    draft.refresh_from_db()
    assert (draft.content, draft.state) == ("new", "streaming")
