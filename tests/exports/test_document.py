"""The document that renderers see: in order, in chunks, only what was chosen."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from agents_app import admission, gateway, pool, runner
from agents_app.context import ToolError
from agents_app.models import Subagent, ToolCall
from agents_app.outcome import Outcome
from exports_app import document as documents
from exports_app.document import DocumentMessage, DocumentSubagent, DocumentToolCall, SessionDocument, freeze
from exports_app.formats import FORMATS
from exports_app.models import Export
from exports_app.options import ExportOptions
from sessions_app import lifecycle
from sessions_app.models import ChatSession, Message
from tests.agents import work

Say = Callable[..., None]


def _frozen(session: ChatSession, **options: Any) -> SessionDocument:
    return freeze(session.pk, options=ExportOptions(**options), now=timezone.now())


def _told(document: SessionDocument) -> list[str]:
    """Return messages by their words and work by its tool, in order."""
    return [
        entry.content if isinstance(entry, DocumentMessage) else f"<{entry.tool_name}>"
        for entry in document.entries()
    ]


@pytest.fixture
def busy(session: ChatSession, say: Say) -> ChatSession:
    """A session with five messages and work between them; the third is what the first work gave back."""
    say("one")
    gateway.execute_tool(session, "list_subagents", {})
    say("two", role="assistant")
    subagent = work.running(session, args={"seconds": 1})
    pool.finish(subagent, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "3"}, report="# R"))
    say("three")
    gateway.execute_tool(session, "cancel_subagent", {})
    say("four")
    work.queue(session, "probe")
    return session


def test_everything_comes_in_the_order_in_which_it_came_about(busy: ChatSession) -> None:
    assert _told(_frozen(busy)) == [
        "one", "<list_subagents>", "two", "<probe>", "# R", "three", "<cancel_subagent>", "four", "<probe>",
    ]  # fmt: skip
    places = [entry.seq for entry in _frozen(busy).entries()]
    assert places == sorted(places)


def test_without_tools_only_messages_come(busy: ChatSession) -> None:
    assert _told(_frozen(busy, include_tools=False)) == ["one", "two", "# R", "three", "four"]


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (2, 4, ["two", "<probe>", "# R", "three"]),
        (None, 1, ["one"]),
        (4, None, ["three", "<cancel_subagent>", "four", "<probe>"]),
        (5, 5, ["four", "<probe>"]),
        (5, 90, ["four", "<probe>"]),
    ],
)
def test_a_range_has_its_messages_and_what_lies_between_them(
    busy: ChatSession, first: int | None, last: int | None, told: list[str]
) -> None:
    document = _frozen(busy, first_message=first, last_message=last)
    assert _told(document) == told
    numbers = [message.number for message in document.messages()]
    assert numbers == list(range(document.first_number, document.first_number + document.message_count))
    assert document.first_number == (first or 1)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_chunks_of_any_size_give_the_same(
    busy: ChatSession, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    whole = list(_frozen(busy).entries())
    monkeypatch.setattr(documents, "MESSAGES_A_CHUNK", size)
    monkeypatch.setattr(documents, "WORK_A_CHUNK", size)
    assert list(_frozen(busy).entries()) == whole


def test_what_ran_is_told_whole(busy: ChatSession) -> None:
    entries = list(_frozen(busy).entries())
    (call, *_) = [entry for entry in entries if isinstance(entry, DocumentToolCall)]
    row = ToolCall.objects.get(pk=call.id)
    assert (call.state, call.result, call.args) == ("succeeded", row.result, {})
    assert call.duration_ms is not None
    subagent = next(entry for entry in entries if isinstance(entry, DocumentSubagent))
    assert (subagent.args, subagent.report, subagent.attempt) == ({"seconds": 1}, "# R", 1)
    assert subagent.duration_ms is not None


def test_a_range_that_has_nothing_any_more_is_a_clear_error(session: ChatSession, say: Say) -> None:
    say("one")
    with pytest.raises(ToolError) as error:
        _frozen(session, first_message=2)
    assert error.value.code == "empty_range"


def test_usage_goes_with_the_metadata(session: ChatSession) -> None:
    assert _frozen(session).usage is not None
    assert _frozen(session, include_metadata=False).usage is None


def test_a_session_that_is_gone_is_said_to_be(session: ChatSession, say: Say) -> None:
    say("one")
    document = _frozen(session)
    lifecycle.delete(session.pk)
    for read in (lambda: list(document.entries()), lambda: _frozen(session)):
        with pytest.raises(ToolError) as error:
            read()
        assert error.value.code == "session_gone"


@pytest.mark.parametrize("remove", [True, False], ids=["rows removed", "hidden"])
def test_a_session_deleted_in_mid_export_leaves_no_half_file(
    session: ChatSession,
    say: Say,
    files: Callable[[], list[Any]],
    registered: Any,
    monkeypatch: pytest.MonkeyPatch,
    remove: bool,
) -> None:
    monkeypatch.setattr(documents, "MESSAGES_A_CHUNK", 2)
    say(*"abcdef")
    subagent = work.export(session)
    work.worker()
    admission.admit("exports")
    render = FORMATS["json"].render

    def interrupted(document: Any, write: Any, tick: Any) -> None:
        def deleting(number: int) -> None:
            if number == 3 and remove:
                Message.objects.filter(session_id=session.pk).delete()
                ChatSession.objects.filter(pk=session.pk).update(deleted_at=timezone.now())
            elif number == 3:
                ChatSession.objects.filter(pk=session.pk).update(deleted_at=timezone.now())

        render(document, write, deleting)

    chosen = type(FORMATS["json"])(**{**vars(FORMATS["json"]), "render": interrupted})
    monkeypatch.setitem(FORMATS, "json", chosen)
    runner.run(subagent.pk, 1)
    ended = work.fresh(subagent)
    assert (ended.state, ended.error["code"]) == ("failed", "session_gone")
    assert "deleted" in ended.error["message"]
    assert files() == []
    assert not Export.objects.exclude(file="").exists()


def test_memory_does_not_grow_with_the_session(session: ChatSession) -> None:
    def peak(count: int) -> int:
        rows = [Message(session=session, seq=seq, role="user", content="x" * 500) for seq in range(1, count)]
        Message.objects.all().delete()
        Message.objects.bulk_create(rows, 500)
        ChatSession.objects.filter(pk=session.pk).update(last_seq=count)
        del rows
        document = _frozen(session)
        tracemalloc.start()
        try:
            FORMATS["json"].render(document, lambda text: None, lambda number: None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000)
    assert peak(10_000) < 1.3 * peak(2000)
