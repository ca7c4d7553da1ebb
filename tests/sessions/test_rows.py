"""Statements that are made once do what the ORM does."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sessions_app.models import ChatSession, Event, Message
from sessions_app.rows import Rows, fetch_all, fetch_one

sessions, messages, events = Rows(ChatSession), Rows(Message), Rows(Event)
HOSTILE = "a\x00b\ud83dc"


def _columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _message(session: ChatSession, **fields: Any) -> Message:
    return Message(session=session, seq=99, role="user", content="Hello", **fields)


def test_an_inserted_row_is_what_the_orm_reads(session: ChatSession) -> None:
    message = _message(session, turn_id=uuid.uuid4())
    messages.insert(message)
    assert not message._state.adding
    assert _columns(Message.objects.get(pk=message.pk)) == _columns(message)


def test_a_row_exists_if_all_of_the_condition_holds(session: ChatSession) -> None:
    condition = "id = %(id)s AND state = %(state)s"
    assert sessions.exists(condition, id=session.pk, state="active")
    assert not sessions.exists(condition, id=session.pk, state="stopped")
    assert not sessions.exists(condition, id=uuid.uuid4(), state="active")


def test_a_row_that_is_got_is_what_the_orm_reads(session: ChatSession) -> None:
    got = sessions.get(session.pk)
    assert got is not None
    assert _columns(got) == _columns(ChatSession.objects.get(pk=session.pk))
    assert got.created_at.tzinfo is not None
    assert sessions.get(uuid.uuid4()) is None


def test_an_update_returns_the_row_as_it_is_now_or_nothing(session: ChatSession) -> None:
    moment = timezone.now()
    values = {"title": "50 % of it", "deleted_at": moment}
    moved = sessions.update(values, "id = %(id)s AND title = %(old)s", id=session.pk, old=session.title)
    assert moved is not None
    assert (moved.title, moved.deleted_at, moved.owner_id) == ("50 % of it", moment, session.owner_id)
    assert _columns(ChatSession.objects.get(pk=session.pk)) == _columns(moved)
    assert sessions.update(values, "id = %(id)s AND title = %(old)s", id=session.pk, old="other") is None


def test_a_touch_tells_whether_a_row_moved(session: ChatSession) -> None:
    assert sessions.touch({"title": "New"}, "id = %(id)s", id=session.pk)
    assert not sessions.touch({"title": "Newer"}, "id = %(id)s", id=uuid.uuid4())
    assert ChatSession.objects.get(pk=session.pk).title == "New"


def test_an_increment_counts_from_what_is_stored(session: ChatSession) -> None:
    before = ChatSession.objects.get(pk=session.pk).last_seq
    for expected in (before + 1, before + 2):
        row = sessions.increment("last_seq", session.pk)
        assert row is not None
        assert row.last_seq == expected
    assert sessions.increment("last_seq", uuid.uuid4()) is None


def test_text_and_json_of_any_characters_are_stored(session: ChatSession) -> None:
    event = Event(session=session, seq=98, kind="message.added", payload={"text": [HOSTILE], "none": None})
    events.insert(event)
    stored = Event.objects.get(session=session, seq=98).payload
    title = sessions.update({"title": "a\x00b"}, "id = %(id)s", id=session.pk)
    assert title is not None
    if connection.vendor == "postgresql":
        assert stored == {"text": ["a\ufffdb\ufffdc"], "none": None}
        assert title.title == "a\ufffdb"
    else:
        assert stored == {"text": [HOSTILE], "none": None}


def test_errors_are_djangos(session: ChatSession) -> None:
    events.insert(Event(session=session, seq=98, kind="x", payload={}))
    with pytest.raises(IntegrityError):
        events.insert(Event(session=session, seq=98, kind="x", payload={}))


def test_a_query_log_hears_of_them(session: ChatSession) -> None:
    with CaptureQueriesContext(connection) as queries:
        sessions.get(session.pk)
    assert len(queries) == 1


def test_a_wrapper_around_queries_is_heeded(session: ChatSession) -> None:
    def refuse(*_: Any) -> Any:
        raise OperationalError("as asked")

    with connection.execute_wrapper(refuse), pytest.raises(OperationalError):
        sessions.get(session.pk)


def test_plain_statements_return_their_rows(db: None) -> None:
    assert fetch_one("SELECT %(a)s + 1", {"a": 1})[0] == 2
    assert fetch_one("SELECT 1 WHERE 1 = %s", [2]) is None
    assert [row[0] for row in fetch_all("SELECT 1 UNION SELECT 2 ORDER BY 1", [])] == [1, 2]
