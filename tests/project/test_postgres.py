"""What PostgreSQL cannot hold is stored as the sign for what cannot be shown."""

from typing import Any

import pytest
from django.db import connection

from mcpchat_project.postgres.base import possible
from sessions_app.models import ChatSession, Message

on_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="is about PostgreSQL")
HOSTILE = "a\x00b\ud83dc"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("plain 😀 \u2028", "plain 😀 \u2028"),
        (HOSTILE, "a\ufffdb\ufffdc"),
        ({"a\x00": ["\udc00", 1, None, True, 2.5]}, {"a\ufffd": ["\ufffd", 1, None, True, 2.5]}),
        (("\x00",), ["\ufffd"]),
    ],
)
def test_only_what_cannot_be_held_is_replaced(value: Any, stored: Any) -> None:
    assert possible(value) == stored


@on_postgres
def test_text_and_json_of_any_characters_are_stored(session: ChatSession) -> None:
    message = Message.objects.create(session=session, seq=99, role="user", content=HOSTILE)
    event = session.events.create(seq=98, kind="message.added", payload={"text": [HOSTILE]})
    message.refresh_from_db()
    event.refresh_from_db()
    assert message.content == event.payload["text"][0] == "a\ufffdb\ufffdc"
    assert Message.objects.filter(content=HOSTILE).get() == message


@on_postgres
def test_each_statement_sees_what_was_committed_before_it(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("read committed",)


@on_postgres
@pytest.mark.parametrize(("wanted", "threshold"), [(None, 2), ("None", None), ("0", 0), (7, 7)])
def test_plans_are_kept_unless_the_address_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, wanted: object, threshold: int | None
) -> None:
    if wanted is not None:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", wanted)
    assert connection.get_connection_params()["prepare_threshold"] == threshold
