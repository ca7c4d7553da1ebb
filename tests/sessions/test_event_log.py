"""The event log: gapless, in commit order, all or nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from sessions_app import lifecycle
from sessions_app.events import announce, session_change
from sessions_app.models import ChatSession
from sessions_app.payloads import PAYLOAD_MAX_BYTES

WRITERS = 6
EVENTS_A_WRITER = 15


def _record(session: ChatSession, text: str = "x") -> int:
    with session_change(session.pk) as change:
        return change.record("session.updated", {"text": text}).seq


@pytest.mark.django_db(transaction=True)
def test_seq_has_no_gap_and_no_double_when_many_threads_write_one_session(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    def write() -> list[int]:
        return [_record(session) for _ in range(EVENTS_A_WRITER)]

    taken = together(*[write] * WRITERS)
    count = WRITERS * EVENTS_A_WRITER
    assert sorted(seq for seqs in taken for seq in seqs) == list(range(2, count + 2))
    assert list(session.events.order_by("id").values_list("seq", flat=True)) == list(range(1, count + 2))
    session.refresh_from_db()
    assert session.last_seq == count + 1


@pytest.mark.django_db(transaction=True)
def test_each_writer_sees_its_own_events_in_the_order_it_wrote_them(
    session: ChatSession, together: Callable[..., list[Any]]
) -> None:
    taken = together(*[lambda: [_record(session) for _ in range(5)]] * 4)
    assert all(seqs == sorted(seqs) for seqs in taken)


def test_an_unknown_kind_is_refused(session: ChatSession) -> None:
    with pytest.raises(ValueError, match="not a durable kind"), session_change(session.pk) as change:
        change.record("subagent.progress", {})


def test_an_unknown_ephemeral_kind_is_refused(session: ChatSession) -> None:
    with pytest.raises(ValueError, match="not an ephemeral kind"):
        announce(session.pk, "message.added", {})


@pytest.mark.parametrize(("room", "fits"), [(0, True), (-1, False)])
def test_a_payload_is_at_most_16_kilobytes(session: ChatSession, room: int, fits: bool) -> None:
    text = "x" * (PAYLOAD_MAX_BYTES - len('{"text":""}') - room)
    if fits:
        assert _record(session, text) == 2
    else:
        with pytest.raises(ValueError, match="16384"):
            _record(session, text)


def test_bytes_are_counted_not_characters(session: ChatSession) -> None:
    with pytest.raises(ValueError, match="16384"):
        _record(session, "€" * (PAYLOAD_MAX_BYTES // 3))


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_event_and_its_seq_is_given_out_again(
    session: ChatSession,
) -> None:
    with pytest.raises(RuntimeError), session_change(session.pk) as change:
        change.record("session.updated", {})
        raise RuntimeError
    assert session.events.count() == 1
    assert _record(session) == 2


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_for_afterwards_is_left_out_after_a_rollback(session: ChatSession) -> None:
    done: list[str] = []
    with pytest.raises(RuntimeError), session_change(session.pk) as change:
        change.afterwards(lambda: done.append("never"))
        raise RuntimeError
    with session_change(session.pk) as change:
        change.afterwards(lambda: done.append("once"))
        assert done == []
    assert done == ["once"]


@pytest.mark.django_db(transaction=True)
def test_an_afterthought_that_fails_takes_back_nothing(session: ChatSession) -> None:
    with session_change(session.pk) as change:
        change.record("session.updated", {})
        change.afterwards(lambda: 1 / 0)
    assert session.events.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_session_never_exists_without_its_first_event(ann: Any) -> None:
    def refuse_events(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith('INSERT INTO "sessions_app_event"'):
            raise OperationalError("disk full")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(refuse_events), pytest.raises(OperationalError):
        lifecycle.start(ann)
    assert not ChatSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_outer_transaction_that_fails_takes_the_event_with_it(session: ChatSession) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        _record(session)
        raise RuntimeError
    assert session.events.count() == 1
