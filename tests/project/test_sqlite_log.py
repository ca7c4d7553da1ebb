"""SQLite's log is moved into the database by who tends it, not by whoever's commit fills it."""

import os
from typing import Any

import pytest
from django.db import connection, transaction

from mcpchat_project.sqlite_gate.base import LOG_MAX_BYTES
from sessions_app.models import ChatSession

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="is about SQLite"),
    pytest.mark.django_db(transaction=True),
]


def _log_bytes() -> int:
    return os.stat(f"{connection.settings_dict['NAME']}-wal").st_size


def _checkpoint() -> bool:
    database: Any = connection
    return bool(database.checkpoint())


def _write_a_lot(session: ChatSession) -> None:
    for number in range(60):
        session.events.create(seq=1000 + number, kind="x", payload={"text": "x" * 100_000})


def test_a_long_log_is_moved_and_begins_anew(session: ChatSession) -> None:
    _write_a_lot(session)
    assert _log_bytes() > LOG_MAX_BYTES
    assert _checkpoint()
    session.events.create(seq=2000, kind="x", payload={})
    assert _log_bytes() < LOG_MAX_BYTES
    assert session.events.filter(kind="x").count() == 61
    assert not _checkpoint()


def test_a_log_is_left_alone_in_the_midst_of_a_transaction(session: ChatSession) -> None:
    _write_a_lot(session)
    with transaction.atomic():
        assert not _checkpoint()
