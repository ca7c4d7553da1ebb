"""The overview: how much was said and done, how well, how long it took."""

from collections.abc import Iterator
from typing import Any

from agents_app.wording.tables import duration
from exports_app.reports import figures, seconds, writing
from exports_app.reports.scope import Scope

_OUTCOMES = ("succeeded", "failed", "cancelled")


def write(scope: Scope, found: dict[str, Any]) -> Iterator[str]:
    """Yield the blocks of the section, with the figures that were measured."""
    yield writing.heading("Overview")
    yield writing.table(("What",), ("",), _rows(found))
    over_time = figures.over_time(
        scope.subagents(),
        "queued_at",
        {"good": figures.counts_of("succeeded"), "bad": figures.counts_of("failed", "cancelled")},
        scope.period.first,
        scope.period.last,
    )
    yield writing.columns("Work by day", "pieces", ("succeeded", "failed or stopped"), over_time)
    outcomes = [(state, float(found["states"].get(state, 0))) for state in figures.STATES]
    yield writing.bars("Work by outcome", "pieces", outcomes)


def measure(scope: Scope) -> dict[str, Any]:
    """Return the figures: counts, and times of work and of waiting in seconds."""
    messages = scope.messages()
    states = figures.by_state(scope.subagents())
    return {
        "chats": messages.values("session_id").distinct().count(),
        "messages": messages.filter(role="user").count(),
        "answers": figures.by_state(scope.turns()),
        "calls": scope.calls().count(),
        "states": states,
        "work": sum(states.values()),
        "worked": figures.times(scope.subagents(), seconds.WORKED, "finished_at"),
        "waited": figures.times(scope.subagents(), seconds.WAITED, "started_at"),
    }


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    states, answers = found["states"], found["answers"]
    succeeded, failed = states.get("succeeded", 0), states.get("failed", 0)
    yield "Chats with something said", writing.number(found["chats"])
    yield "Messages of people", writing.number(found["messages"])
    yield "Answers of the agent", writing.number(answers.get("completed", 0))
    yield (
        "Answers that failed or were stopped",
        writing.number(answers.get("failed", 0) + answers.get("cancelled", 0)),
    )
    yield "Fast calls of tools", writing.number(found["calls"])
    yield "Work of subagents", writing.number(found["work"])
    yield "of it succeeded", f"{writing.number(succeeded)} ({writing.percent(succeeded, succeeded + failed)})"
    for state in ("failed", "cancelled"):
        yield f"of it {state}", writing.number(states.get(state, 0))
    yield "of it not ended yet", writing.number(sum(states.get(state, 0) for state in figures.STATES[3:]))
    yield "Time in the queue, median and 95th percentile", _spread(found["waited"])
    yield "Time of work, median and 95th percentile", _spread(found["worked"])
    yield (
        "Work that nobody had to wait for, in all",
        duration(found["worked"]["total"] or 0.0),
    )


def _spread(found: dict[str, Any]) -> str:
    return f"{duration(found['p50'])} / {duration(found['p95'])}"
