"""One attempt from claim to end: how it ended is classified once and stored in any case."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from agents_app import admission, outcome, pool, runner
from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.models import Subagent
from agents_app.registry import ToolResult
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work
from tests.environment import POSTGRES

pytestmark = pytest.mark.usefixtures("registered")
Declare = Callable[..., None]
Run = Callable[..., ToolResult]


@pytest.fixture(autouse=True)
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes with which this process was to end; it must outlive the test."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


@pytest.fixture
def execute(session: ChatSession, declare: Declare) -> Callable[[Run], Any]:
    """Run a function as a heavy tool's attempt and return the row afterwards."""

    def do(run: Run) -> Subagent:
        declare("heavy_one", run, heavy=True)
        subagent = work.admitted(session, "heavy_one")
        runner.run(subagent.pk, 1)
        return work.fresh(subagent)

    return do


def _raising(error: BaseException) -> Run:
    def run(context: ToolContext) -> ToolResult:
        raise error

    return run


def test_a_result_ends_it_well(execute: Callable[[Run], Any]) -> None:
    ended = execute(lambda context: ToolResult(summary="Three.", data={"n": 3}, report="# Three"))
    assert (ended.state, ended.report) == ("succeeded", "# Three")
    assert ended.result == {"summary": "Three.", "data": {"n": 3}}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ToolError("no_luck", "It did not work."), "no_luck"),
        (Refusal("refused", "Not here."), "refused"),
        (KeyError("a bug"), "tool_error"),
        (MemoryError(), "out_of_memory"),
        (RecursionError(), "tool_error"),
        (ToolError("long", "x" * 50_000), "long"),
        (ToolError("c" * 50_000, "It did not work."), "c"),
        (ToolError("odd", "a\ud800b"), "odd"),
        (ValueError("\ud800"), "tool_error"),
        (SystemExit(3), "tool_error"),
    ],
    ids=["tool", "refusal", "bug", "memory", "recursion", "long", "long code", "surrogate", "text", "exit"],
)
def test_what_goes_wrong_is_told_with_a_code(
    execute: Callable[[Run], Any], error: BaseException, code: str
) -> None:
    ended = execute(_raising(error))
    assert (ended.state, ended.error["code"][: len(code)]) == ("failed", code)
    assert ended.error["message"] or isinstance(error, RecursionError)


def test_a_stop_cancels_it(execute: Callable[[Run], Any]) -> None:
    assert execute(_raising(Stopped())).state == "cancelled"


def test_a_result_over_2_mb_fails_it(execute: Callable[[Run], Any]) -> None:
    ended = execute(lambda context: ToolResult(summary="", data={"text": "x" * outcome.RESULT_MAX_BYTES}))
    assert (ended.state, ended.error["code"]) == ("failed", "result_too_large")


@pytest.mark.parametrize(
    "result",
    [
        ToolResult(summary="", data={"at": datetime.now(UTC)}),
        ToolResult(summary="", data={"set": {1}}),
        ToolResult(summary="", data={"number": float("nan")}),
        ToolResult(summary="", data={"text": "\ud800"}),
        ToolResult(summary="\ud800"),
        ToolResult(summary="", report="\ud800"),
        ToolResult(summary="", data=None),  # type: ignore[arg-type]
        None,
        "text",
    ],
    ids=["time", "set", "nan", "surrogate", "summary", "report", "no data", "nothing", "text"],
)
def test_a_result_that_cannot_be_stored_fails_it_at_once(
    execute: Callable[[Run], Any], exits: list[int], result: Any
) -> None:
    ended = execute(lambda context: result)
    assert exits == []
    assert ended.state == "failed"


def test_a_database_that_takes_no_outcome_ends_the_process_so_that_the_keeper_gives_the_work_back(
    execute: Callable[[Run], Any], exits: list[int]
) -> None:
    def refuse_the_end(run: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if "succeeded" in map(str, parameters.values() if isinstance(parameters, dict) else parameters or ()):
            raise OperationalError("the database is away")
        return run(sql, parameters, many, context)

    with connection.execute_wrapper(refuse_the_end):
        ended = execute(lambda context: ToolResult(summary=""))
    assert exits == [70]
    assert ended.state == "running"
    pool.give_back(ended)


def test_a_long_summary_is_still_shown_in_the_event(
    execute: Callable[[Run], Any], session: ChatSession
) -> None:
    execute(lambda context: ToolResult(summary="ä" * 5000))
    told = session.events.get(kind="subagent.completed").payload["result"]
    assert told["summary"].startswith("ä" * 100)


def test_a_report_is_bounded(execute: Callable[[Run], Any]) -> None:
    ended = execute(lambda context: ToolResult(summary="", report="x" * 300_000))
    assert len(ended.report) == outcome.REPORT_MAX_CHARACTERS


@pytest.mark.parametrize("error", [None, ToolError("no_luck", ""), ValueError("a bug"), Stopped()])
def test_the_work_folder_is_its_own_and_gone_afterwards(
    execute: Callable[[Run], Any], error: BaseException | None
) -> None:
    folders: list[Path] = []

    def run(context: ToolContext) -> ToolResult:
        assert list(context.workdir.iterdir()) == []
        (context.workdir / "file").write_text("x")
        folders.append(context.workdir)
        if error:
            raise error
        return ToolResult(summary="")

    ended = execute(run)
    assert folders == [Path(settings.WORK_DIR) / f"{ended.pk}-1"]
    assert not folders[0].exists()


def test_a_work_folder_that_cannot_be_made_fails_it(
    execute: Callable[[Run], Any], settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.WORK_DIR = tmp_path / "file" / "work"
    ended = execute(lambda context: ToolResult(summary=str(context.workdir)))
    assert (ended.state, ended.error["code"]) == ("failed", "no_work_folder")


@pytest.mark.parametrize("attempt", [2, 0])
def test_another_attempts_message_does_nothing(session: ChatSession, attempt: int) -> None:
    subagent = work.admitted(session)
    runner.run(subagent.pk, attempt)
    assert work.fresh(subagent).state == "admitted"


def test_a_message_for_a_row_that_is_gone_does_nothing() -> None:
    runner.run(work.NOBODY, 1)


def test_a_result_of_a_superseded_attempt_is_not_accepted(
    execute: Callable[[Run], Any],
) -> None:
    def run(context: ToolContext) -> ToolResult:
        assert context.subagent_id is not None
        pool.give_back(Subagent.objects.get(pk=context.subagent_id))
        return ToolResult(summary="too late")

    ended = execute(run)
    assert (ended.state, ended.attempt, ended.result) == ("queued", 2, None)


def test_the_row_names_the_process_that_runs_it(execute: Callable[[Run], Any], registered: Any) -> None:
    assert execute(lambda context: ToolResult(summary="")).worker_id == registered.worker_id


def test_success_and_failure_are_said_in_the_chat_once_each_and_wake_one_turn(
    session: ChatSession, execute: Callable[[Run], Any]
) -> None:
    ended = execute(lambda context: ToolResult(summary="Three."))
    runner.run(ended.pk, 1)
    result = session.messages.get(role="subagent")
    assert (result.content, result.subagent_id) == ("Three.", ended.pk)
    assert session.turns.count() == 1


def test_a_failure_is_said_in_the_chat_with_its_code(
    session: ChatSession, execute: Callable[[Run], Any]
) -> None:
    execute(_raising(ToolError("no_luck", "It did not work.")))
    assert "It did not work. (`no_luck`)" in session.messages.get(role="subagent").content


def test_a_cancelled_one_says_nothing(session: ChatSession, execute: Callable[[Run], Any]) -> None:
    execute(_raising(Stopped()))
    assert not session.messages.exists()
    assert not session.turns.exists()


def test_the_end_of_the_process_is_not_the_end_of_the_work(
    execute: Callable[[Run], Any], session: ChatSession
) -> None:
    with pytest.raises(SystemExit):
        execute(_raising(SystemExit(-253)))
    running = session.subagents.get()
    assert running.state == "running"
    pool.give_back(running)


@pytest.mark.skipif(POSTGRES is None, reason="ends a connection from the server's side")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_database_ended_costs_no_start(session: ChatSession, declare: Declare) -> None:
    declare("heavy_one", lambda context: ToolResult(summary="Done."), heavy=True)
    subagent = work.admitted(session, "heavy_one")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()[0]
    assert POSTGRES is not None
    with POSTGRES.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [own])
    runner.run(subagent.pk, 1)
    assert work.fresh(subagent).state == "succeeded"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The subagents for which a message was sent."""
    told: list[Any] = []
    monkeypatch.setattr(admission, "send", lambda pool_name, admitted: told.append(admitted.subagent_id))
    return told


@pytest.mark.django_db(transaction=True)
def test_short_work_is_followed_by_what_gets_its_slot_without_a_message(
    session: ChatSession, declare: Declare, sent: list[Any]
) -> None:
    declare("heavy_one", lambda context: ToolResult(summary="Done."), heavy=True)
    work.set_pool(cap=1)
    first = work.admitted(session, "heavy_one")
    others = [work.queue(session, "heavy_one") for _ in range(3)]
    runner.run(first.pk, 1)
    assert work.states(session) == ["succeeded"] * 4
    assert sent == [first.pk]
    assert [work.fresh(one).attempt for one in others] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_what_the_chat_worker_has_to_run_is_sent_there_by_whoever_frees_its_slot(
    session: ChatSession, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[Any] = []
    monkeypatch.setattr(admission, "send_task", lambda name, queue, *_: messages.append((name, queue)))
    declare("heavy_one", lambda context: ToolResult(summary="Done."), heavy=True)
    work.set_pool(cap=1)
    first = work.admitted(session, "heavy_one")
    work.queue(session, "heavy_one", queue="chat")
    messages.clear()
    runner.run(first.pk, 1)
    assert work.states(session) == ["succeeded", "admitted"]
    assert messages[-1] == ("agents_app.chat_tasks.run_subagent", "chat")


@pytest.mark.django_db(transaction=True)
def test_after_work_that_took_long_a_message_is_sent_for_the_next(
    session: ChatSession, declare: Declare, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TAKING_SECONDS", 0.0)
    declare("heavy_one", lambda context: ToolResult(summary="Done."), heavy=True)
    work.set_pool(cap=1)
    first = work.admitted(session, "heavy_one")
    second = work.queue(session, "heavy_one")
    runner.run(first.pk, 1)
    assert work.states(session) == ["succeeded", "admitted"]
    assert sent == [first.pk, second.pk]
