"""The life of a chat session."""

from collections.abc import Callable
from typing import Any

import pytest

from agents_app import gateway
from agents_app.models import Subagent
from sessions_app import lifecycle, messages
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession

Kinds = Callable[[ChatSession], list[str]]


def _state(session: ChatSession) -> str:
    session.refresh_from_db()
    return session.state


def test_a_session_goes_away_comes_back_and_ends(session: ChatSession, kinds_of: Kinds) -> None:
    lifecycle.archive(session.pk)
    assert _state(session) == "archived"
    lifecycle.restore(session.pk)
    assert _state(session) == "active"
    lifecycle.stop(session.pk)
    assert _state(session) == "stopped"
    assert kinds_of(session)[1:] == ["session.archived", "session.restored", "session.stopped"]


@pytest.mark.parametrize("verb", [lifecycle.archive, lifecycle.stop])
def test_doing_it_twice_tells_it_once(
    session: ChatSession, kinds_of: Kinds, verb: Callable[[Any], None]
) -> None:
    verb(session.pk)
    verb(session.pk)
    assert len(kinds_of(session)) == 2


@pytest.mark.parametrize("verb", [lifecycle.archive, lifecycle.restore])
def test_a_stopped_session_stays_stopped(session: ChatSession, verb: Callable[[Any], None]) -> None:
    lifecycle.stop(session.pk)
    with pytest.raises(Refusal) as refusal:
        verb(session.pk)
    assert (refusal.value.code, refusal.value.status) == ("wrong_state", 409)
    assert _state(session) == "stopped"


def test_an_archived_session_can_be_stopped(session: ChatSession) -> None:
    lifecycle.archive(session.pk)
    lifecycle.stop(session.pk)
    assert _state(session) == "stopped"


def test_a_restored_session_takes_messages_again(session: ChatSession) -> None:
    lifecycle.archive(session.pk)
    lifecycle.restore(session.pk)
    assert messages.post(session.pk, "Back").content == "Back"


def test_a_stop_cancels_what_is_queued(session: ChatSession, kinds_of: Kinds) -> None:
    messages.post(session.pk, "Hello")
    subagent = gateway.spawn(session.pk, "tool_executor", {"tool_name": "probe", "args": {}})
    turn = session.turns.get()
    lifecycle.stop(session.pk)
    subagent.refresh_from_db()
    turn.refresh_from_db()
    assert (subagent.state, turn.state) == ("cancelled", "cancelled")
    assert kinds_of(session)[-3:] == ["session.stopped", "turn.cancelled", "subagent.cancelled"]


def test_a_stop_starts_no_further_turn(session: ChatSession) -> None:
    messages.post(session.pk, "Hello")
    lifecycle.stop(session.pk)
    assert not session.turns.unfinished().exists()


def test_an_archived_session_goes_on_working(session: ChatSession) -> None:
    subagent = gateway.spawn(session.pk, "tool_executor", {"tool_name": "probe", "args": {}})
    lifecycle.archive(session.pk)
    assert Subagent.objects.get(pk=subagent.pk).state == "queued"


def test_a_delete_hides_the_session_at_once_and_ends_its_work(ann: Any, session: ChatSession) -> None:
    subagent = gateway.spawn(session.pk, "tool_executor", {"tool_name": "probe", "args": {}})
    lifecycle.delete(session.pk)
    assert not ChatSession.objects.owned_by(ann).exists()
    assert not Subagent.objects.owned_by(ann).exists()
    assert Subagent.objects.get(pk=subagent.pk).state == "cancelled"


def test_a_stopped_session_can_be_deleted(ann: Any, session: ChatSession) -> None:
    lifecycle.stop(session.pk)
    lifecycle.delete(session.pk)
    assert not ChatSession.objects.owned_by(ann).exists()


def test_a_title_is_one_line_without_nul_and_at_most_200_characters(session: ChatSession) -> None:
    lifecycle.rename(session.pk, " a\n\x00 b\t c ")
    session.refresh_from_db()
    assert session.title == "a b c"
    with pytest.raises(Refusal) as refusal:
        lifecycle.rename(session.pk, "x" * 201)
    assert refusal.value.code == "title_too_long"
