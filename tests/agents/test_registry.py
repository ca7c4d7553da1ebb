"""Tools and agent types: what a declaration must be, what arguments must fit."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured

from agents_app.registry import TOOLS, ToolResult, find_agent_type, find_tool
from agents_app.tool_executor import prepare
from sessions_app.errors import Refusal

Declare = Callable[..., None]


def _nothing(context: Any, **_: Any) -> ToolResult:
    return ToolResult(summary="")


def _code(call: Callable[[], Any]) -> str:
    with pytest.raises(Refusal) as refusal:
        call()
    return refusal.value.code


def test_a_name_that_is_taken_stops_the_start(declare: Declare) -> None:
    with pytest.raises(ImproperlyConfigured, match="Two tools are called 'probe'"):
        declare("probe", _nothing)


@pytest.mark.parametrize("name", ["", "Tool", "9lives", "a-b", "a b", "a" * 65, "ä", "a\n"])
def test_a_malformed_name_stops_the_start(declare: Declare, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="not lower-case words"):
        declare(name, _nothing)


def test_an_invalid_schema_stops_the_start_and_is_named(declare: Declare) -> None:
    with pytest.raises(ImproperlyConfigured, match="input schema of tool 'bad' is invalid"):
        declare("bad", _nothing, input_schema={"type": "strung"})
    assert "bad" not in TOOLS


def test_heavy_tools_have_300_seconds_and_fast_ones_30(declare: Declare) -> None:
    declare("fast_one", _nothing)
    declare("heavy_one", _nothing, heavy=True)
    declare("own_one", _nothing, heavy=True, execution_timeout_seconds=5)
    times = [TOOLS[name].execution_timeout_seconds for name in ("fast_one", "heavy_one", "own_one")]
    assert times == [30, 300, 5]


def test_an_unknown_tool_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refusal, match="probe_fast") as refusal:
        find_tool("nothing" * 100)
    assert (refusal.value.code, refusal.value.status) == ("unknown_tool", 404)
    assert len(refusal.value.detail) < 2000


def test_an_unknown_agent_type_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refusal, match=r"export_agent, tool_executor") as refusal:
        find_agent_type("cook")
    assert refusal.value.code == "unknown_agent_type"


@pytest.mark.parametrize(
    "arguments",
    [None, [], "text", 1, {"seconds": "long"}, {"seconds": -1}, {"seconds": 601}, {"more": 1}],
)
def test_arguments_that_do_not_fit_the_schema_are_refused(arguments: Any) -> None:
    assert _code(lambda: TOOLS["probe"].validate(arguments)) == "invalid_arguments"


def test_a_refusal_says_where_the_argument_is_wrong_and_stays_short() -> None:
    with pytest.raises(Refusal, match="probe: seconds: ") as refusal:
        TOOLS["probe"].validate({"seconds": 10**2000})
    assert len(refusal.value.detail) < 600


def test_the_tools_own_check_runs_after_the_schema(declare: Declare) -> None:
    def check(word: str) -> None:
        raise Refusal("bad_word", word)

    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    declare("checked", _nothing, input_schema=schema, check=check)
    assert _code(lambda: TOOLS["checked"].validate({"word": 1})) == "invalid_arguments"
    assert _code(lambda: TOOLS["checked"].validate({"word": "a"})) == "bad_word"


def test_an_argument_that_the_check_does_not_know_is_refused(declare: Declare) -> None:
    def check(word: str = "") -> None:
        """Nothing to refuse."""

    declare("checked", _nothing, check=check)
    assert _code(lambda: TOOLS["checked"].validate({"other": 1})) == "invalid_arguments"


@pytest.mark.parametrize(
    "task",
    [{}, {"tool_name": 1}, {"tool_name": None}, {"tool_name": "probe", "more": 1}, {"args": {}}],
)
def test_a_task_of_a_tool_executor_names_a_tool_and_nothing_else(task: dict[str, Any]) -> None:
    assert _code(lambda: prepare(task, uuid4())) == "invalid_task"


def test_a_plan_takes_over_what_the_tool_declares(db: None) -> None:
    plan = prepare({"tool_name": "probe_brief", "args": {"ledger": "somewhere"}}, uuid4())
    assert (plan.safe_to_repeat, plan.execution_timeout_seconds) == (True, 1)
    assert plan.title == "Probe brief: somewhere"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("args", "title"),
    [
        ({"scope": "mine", "format": "pdf"}, "Report"),
        ({"format": "pdf", "title": "November"}, "Report: November"),
    ],
)
def test_what_is_a_mere_choice_does_not_name_the_work(args: dict[str, str], title: str) -> None:
    assert prepare({"tool_name": "generate_report", "args": args}, uuid4()).title == title


def test_arguments_may_be_left_out(db: None) -> None:
    assert prepare({"tool_name": "probe"}, uuid4()).arguments == {}
