"""Fast calls: run once, audited, and whatever a tool does stays its own affair."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from agents_app import gateway
from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.models import Subagent, ToolCall
from agents_app.registry import ToolResult
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.events import json_bytes
from sessions_app.models import ChatSession

Declare = Callable[..., None]
Kinds = Callable[[ChatSession], list[str]]


def _call(session: ChatSession, name: str, arguments: Any = None, **how: Any) -> ToolCall:
    done = gateway.execute_tool(session, name, {} if arguments is None else arguments, **how)
    assert isinstance(done, ToolCall)
    return done


def _raising(error: BaseException) -> Callable[..., ToolResult]:
    def run(context: ToolContext, **_: Any) -> ToolResult:
        raise error

    return run


def _counting(runs: list[int]) -> Callable[..., ToolResult]:
    def run(context: ToolContext) -> ToolResult:
        runs.append(1)
        return ToolResult(summary="")

    return run


def test_a_fast_call_answers_with_its_result_and_is_told(session: ChatSession, kinds_of: Kinds) -> None:
    call = _call(session, "probe_fast", {"text": "Hello"})
    assert (call.state, call.result) == ("succeeded", {"summary": "Hello", "data": {"text": "Hello"}})
    assert kinds_of(session)[1:] == ["tool.started", "tool.completed"]
    assert session.events.get(kind="tool.completed").payload["duration_ms"] >= 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ToolError("no_luck", "It did not work."), "no_luck"),
        (Refusal("refused", "Not here."), "refused"),
        (ValueError("a bug"), "tool_error"),
        (Stopped(), "tool_error"),
        (ToolError("long", "x" * 50_000), "long"),
        (ValueError("x" * 50_000), "tool_error"),
    ],
)
def test_a_call_that_fails_says_why(
    session: ChatSession, declare: Declare, error: BaseException, code: str
) -> None:
    declare("failing", _raising(error))
    call = _call(session, "failing")
    assert (call.state, (call.error or {})["code"]) == ("failed", code)
    assert session.events.get(kind="tool.failed").payload["error"]["code"] == code


@pytest.mark.parametrize(
    "data", [{"a": object()}, {"a": {1, 2}}, {"a": b"bytes"}, {"a": float("nan")}, {"a": "\ud800"}]
)
def test_a_result_that_is_not_json_fails_the_call(
    session: ChatSession, declare: Declare, data: dict[str, Any]
) -> None:
    declare("odd", lambda context: ToolResult(summary="", data=data))
    assert _call(session, "odd").state == "failed"


def test_a_large_result_is_left_out_of_the_event(session: ChatSession, declare: Declare) -> None:
    declare("large", lambda context: ToolResult(summary="", data={"text": "x" * 100_000}))
    assert _call(session, "large").state == "succeeded"
    assert json_bytes(session.events.get(kind="tool.completed").payload) < 16_384


def test_a_fast_call_that_looks_after_its_time_is_stopped(session: ChatSession, declare: Declare) -> None:
    def run(context: ToolContext) -> ToolResult:
        for _ in range(100):
            Event().wait(0.01)
            context.check()
        return ToolResult(summary="")

    declare("endless", run, execution_timeout_seconds=0.1)
    assert (_call(session, "endless").error or {}).get("code") == "timeout"


def test_the_work_folder_is_empty_and_gone_afterwards(session: ChatSession, declare: Declare) -> None:
    seen = []

    def run(context: ToolContext) -> ToolResult:
        seen.append((context.workdir, list(context.workdir.iterdir())))
        (context.workdir / "file").write_text("x")
        return ToolResult(summary="")

    declare("writer", run)
    _call(session, "writer")
    assert seen[0][1] == []
    assert not seen[0][0].exists()


@pytest.mark.parametrize("arguments", [None, {"text": 1}, {}, []])
def test_arguments_are_checked_before_anything_runs(session: ChatSession, arguments: Any) -> None:
    with pytest.raises(Refusal) as refusal:
        gateway.execute_tool(session, "probe_fast", arguments)
    assert refusal.value.code == "invalid_arguments"
    assert not session.tool_calls.exists()


def test_a_stopped_session_makes_no_calls(session: ChatSession) -> None:
    lifecycle.stop(session.pk)
    with pytest.raises(Refusal) as refusal:
        _call(session, "probe_fast", {"text": "a"})
    assert refusal.value.code == "session_not_active"


@pytest.mark.django_db(transaction=True)
def test_the_same_call_id_runs_once(session: ChatSession, declare: Declare) -> None:
    runs: list[int] = []
    declare("counting", _counting(runs))
    call_id = uuid4()
    first = _call(session, "counting", call_id=call_id)
    again = _call(session, "counting", call_id=call_id)
    assert (first.pk, again.pk, len(runs)) == (call_id, call_id, 1)


def _crashed(session: ChatSession, name: str) -> ToolCall:
    """Leave a call as a process that died an hour ago did."""
    call = ToolCall.objects.create(session=session, seq=session.last_seq + 1, tool_name=name)
    ToolCall.objects.filter(pk=call.pk).update(created_at=timezone.now() - timedelta(hours=1))
    return call


@pytest.mark.django_db(transaction=True)
def test_a_crashed_call_that_must_not_be_repeated_is_lost(session: ChatSession, declare: Declare) -> None:
    runs: list[int] = []
    declare("counting", _counting(runs))
    call = _call(session, "counting", call_id=_crashed(session, "counting").pk)
    assert (call.state, (call.error or {})["code"], runs) == ("failed", "worker_lost", [])


@pytest.mark.django_db(transaction=True)
def test_a_crashed_call_that_is_safe_to_repeat_runs_again(session: ChatSession, declare: Declare) -> None:
    declare("counting", lambda context: ToolResult(summary="again"), safe_to_repeat=True)
    call = _call(session, "counting", call_id=_crashed(session, "counting").pk)
    assert (call.state, call.result) == ("succeeded", {"summary": "again", "data": {}})


@pytest.mark.django_db(transaction=True)
def test_a_repeat_while_the_call_still_runs_does_not_declare_it_lost(
    session: ChatSession, declare: Declare, together: Callable[..., list[Any]]
) -> None:
    started, go_on, call_id = Event(), Event(), uuid4()

    def run(context: ToolContext) -> ToolResult:
        started.set()
        go_on.wait(5)
        return ToolResult(summary="effect")

    def repeat() -> object:
        started.wait(5)
        try:
            return gateway.execute_tool(session, "slow", {}, call_id=call_id)
        except Refusal as refusal:
            return refusal
        finally:
            go_on.set()

    declare("slow", run)
    first, second = together(lambda: _call(session, "slow", call_id=call_id), repeat)
    assert first.state == "succeeded"
    assert isinstance(second, Refusal) or (isinstance(second, ToolCall) and second.state != "failed")


def test_a_call_of_another_session_cannot_be_read_by_its_id(session: ChatSession, bob: Any) -> None:
    theirs = _call(lifecycle.start(bob), "probe_fast", {"text": "secret"}, call_id=uuid4())
    with pytest.raises(Refusal):
        _call(session, "probe_fast", {"text": "mine"}, call_id=theirs.pk)


@pytest.mark.parametrize(
    ("name", "arguments", "execution", "heavy"),
    [
        ("probe", {}, "auto", True),
        ("probe", {}, "heavy", True),
        ("probe_fast", {"text": "a"}, "auto", False),
        ("probe_fast", {"text": "a"}, "fast", False),
        ("probe_fast", {"text": "a"}, "heavy", True),
        ("probe_any", {f"a{number}": 1 for number in range(10)}, "auto", False),
        ("probe_any", {f"a{number}": 1 for number in range(11)}, "auto", True),
        ("probe_any", {f"a{number}": 1 for number in range(11)}, "fast", False),
    ],
)
def test_which_calls_become_subagents(
    session: ChatSession, declare: Declare, name: str, arguments: Any, execution: str, heavy: bool
) -> None:
    declare("probe_any", lambda context, **_: ToolResult(summary=""))
    done = gateway.execute_tool(session, name, arguments, execution=execution)
    assert isinstance(done, Subagent) == heavy


@pytest.mark.parametrize(("execution", "code"), [("fast", "tool_is_heavy"), ("slow", "invalid_execution")])
def test_a_way_to_run_that_there_is_not_is_refused(session: ChatSession, execution: str, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        gateway.execute_tool(session, "probe", {}, execution=execution)
    assert refusal.value.code == code


def test_the_same_call_id_of_a_heavy_call_queues_once(session: ChatSession) -> None:
    call_id = uuid4()
    first = gateway.execute_tool(session, "probe", {}, call_id=call_id)
    assert gateway.execute_tool(session, "probe", {}, call_id=call_id).pk == first.pk
