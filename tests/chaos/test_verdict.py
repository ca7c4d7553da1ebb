"""The verdict of a chaos run can fail: each count sees what it is there for."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.chaos.evidence import CapChange, Evidence, Kill, Line, Row, Sample, Told
from tests.chaos.overlap import overlaps
from tests.chaos.recovery import recoveries
from tests.chaos.verdict import judge

CAPS = {"tools": 2}


def _line(what: str, at: float, subagent: str = "a", attempt: int = 1, **more: Any) -> Line:
    values: dict[str, Any] = {"pid": 1, "pool": "tools", "kind": "short", **more}
    return Line(what=what, at=at, subagent=subagent, attempt=attempt, **values)


def _ran(start: float, end: float, subagent: str = "a", attempt: int = 1, **more: Any) -> list[Line]:
    moments = (("start", start), ("effect", end), ("end", end))
    return [_line(what, at, subagent, attempt, **more) for what, at in moments]


def _told(kind: str, seq: int, subagent: str = "a", attempt: int = 1, at: float = 0) -> Told:
    return Told(subagent=subagent, seq=seq, kind=f"subagent.{kind}", attempt=attempt, at=at)


def _sound() -> Evidence:
    """Return the evidence of one subagent that was killed once and succeeded then."""
    return Evidence(
        submitted={"a": "short"},
        rows=[
            Row(
                subagent="a",
                state="succeeded",
                attempt=2,
                lost_attempts=(1,),
                result_attempt=2,
                finished_at=4.1,
            )
        ],
        told=[
            _told("queued", 1),
            _told("started", 2, at=1),
            _told("queued", 3, attempt=2, at=2.5),
            _told("started", 4, attempt=2, at=3),
            _told("completed", 5, attempt=2, at=4.1),
        ],
        seqs={"session": [1, 2, 3, 4, 5]},
        last_seqs={"session": 5},
        lines=[_line("start", 1), *_ran(3, 4, attempt=2, pid=2)],
        last_held={("a", 1): 2.0, ("a", 2): 3.9},
        kills=[Kill(what="child", at=2.0, pids=frozenset({1}))],
        initial_caps=CAPS,
    )


def _failed(code: str, attempt: int = 1, lost: tuple[int, ...] = ()) -> list[Row]:
    return [Row(subagent="a", state="failed", code=code, attempt=attempt, lost_attempts=lost)]


def _row(**changes: Any) -> Callable[[Evidence], None]:
    """Return what changes the row."""

    def change(evidence: Evidence) -> None:
        evidence.rows = [replace(evidence.rows[0], **changes)]

    return change


def _add(**more: Any) -> Callable[[Evidence], None]:
    """Return what adds to lists."""

    def change(evidence: Evidence) -> None:
        for name, found in more.items():
            setattr(evidence, name, [*getattr(evidence, name), *found])

    return change


def _set(**values: Any) -> Callable[[Evidence], None]:
    """Return what puts values in place of others."""

    def change(evidence: Evidence) -> None:
        for name, value in values.items():
            setattr(evidence, name, value)

    return change


def test_sound_evidence_has_nothing_broken() -> None:
    assert judge(_sound()).held


@pytest.mark.parametrize(
    ("count", "doctor"),
    [
        ("lost", _set(submitted={"a": "short", "b": "short"})),
        ("lost", _row(state="running")),
        (
            "lost",
            _set(lines=[_line("start", 1), _line("start", 3, attempt=2, pid=2)]),
        ),
        ("doubled", _row(result_attempt=1)),
        ("doubled", _add(told=[_told("failed", 6, attempt=2)])),
        ("doubled", _add(told=[_told("started", 6, attempt=3)])),
        ("doubled", _add(lines=[_line("start", 5, attempt=2)])),
        ("doubled", _add(lines=_ran(1.5, 1.6, attempt=3))),
        ("doubled", _add(samples=[Sample(at=3, counts={"tools": 2}, twice=("a",))])),
        ("doubled", _add(lines=[_line("start", at, "c", attempt=at, kind="once") for at in (5, 6)])),
        ("doubled", _set(results_told={"a": 2})),
        ("doubled", _set(submitted={})),
        ("overlap_excess", _add(samples=[Sample(at=3, counts={"tools": 3})])),
        ("overlap_excess", _add(lines=_ran(3.5, 4, "b") + _ran(3.6, 4, "c"))),
        ("gaps", _set(seqs={"session": []})),
        ("gaps", _set(last_seqs={"session": 6})),
        ("leftovers", _add(leftovers=["process 1"])),
        ("wrong_end", _set(submitted={"a": "failing"})),
        ("wrong_end", _set(submitted={"a": "once"})),
        ("wrong_end", _row(attempt=4)),
        ("wrong_end", _set(rows=_failed("worker_lost", 2, (1,)))),
        ("wrong_end", _set(rows=_failed("worker_lost", 3, (1, 2)))),
        ("untold", _set(told=_sound().told[:-1])),
        ("untold", _set(submitted={"a": "told"})),
        ("outlived", _set(last_held={("a", 1): 2.6})),
        ("outlived", _set(last_held={("a", 2): 4.2})),
        ("redundant", _set(kills=())),
        ("turns_stuck", _set(turns_stuck=1)),
        ("problems", _add(problems=["it broke"])),
    ],
)
def test_doctored_evidence_is_seen(count: str, doctor: Callable[[Evidence], None]) -> None:
    evidence = _sound()
    doctor(evidence)
    verdict = judge(evidence)
    assert asdict(verdict)[count] > 0
    assert not verdict.held
    assert f"{count}=0" not in str(verdict)


def test_work_that_a_dying_keeper_ended_is_not_given_up_without_a_reason() -> None:
    keeper = [Kill(what="keeper", at=2.1, pids=frozenset({9}))]
    forced = replace(_line("start", 1), kind="overtime")
    evidence = _sound()
    evidence.kills = keeper
    assert judge(evidence).redundant == 1
    evidence.lines = [forced, *evidence.lines[1:]]
    assert judge(evidence).redundant == 0


def _three_at_once(*caps: CapChange) -> Evidence:
    lines = [*_ran(1, 9, "a"), *_ran(2, 6, "b"), *_ran(5, 8, "c")]
    return Evidence(submitted={}, rows=[], lines=lines, caps=caps, initial_caps=CAPS)


def _change(limit: int, before: float, after: float) -> CapChange:
    return CapChange(pool="tools", limit=limit, before=before, after=after)


def test_a_raised_cap_counts_from_the_moment_it_was_asked_for() -> None:
    assert overlaps(_three_at_once(_change(3, 4.9, 5.2)))["tools"].excess == 0
    assert overlaps(_three_at_once(_change(3, 5.1, 5.2)))["tools"].excess > 0


def test_after_a_lowering_work_goes_on_and_the_count_only_falls() -> None:
    lines = [*_ran(1, 9, "a"), *_ran(1, 4, "b"), *_ran(1, 9, "c")]
    lowered = Evidence(submitted={}, rows=[], lines=lines, caps=[_change(1, 2, 3)], initial_caps={"tools": 3})
    assert overlaps(lowered)["tools"].excess == 0
    lowered.lines = [*lines, *_ran(5, 6, "d")]
    assert overlaps(lowered)["tools"].excess == 1


def test_what_ends_as_another_begins_is_no_overlap() -> None:
    lines = [*_ran(1, 2, "a"), *_ran(1, 3, "b"), *_ran(2, 3, "c")]
    assert overlaps(Evidence(submitted={}, rows=[], lines=lines, initial_caps=CAPS))["tools"].excess == 0


def test_recovery_of_killed_work_is_measured_from_the_kill() -> None:
    assert recoveries(_sound()) == {"child: noticed": [0.5], "child: runs again": [1.0]}
