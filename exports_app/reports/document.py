"""A report as Markdown, written section by section."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from exports_app.reports import scope, writing
from exports_app.reports.scope import Scope
from exports_app.reports.sections import chats, overview, results, server, usage, work

SECTIONS = ("overview", "sessions", "subagents", "usage", "results")
"""What can be chosen; the server's own figures come with every report on it."""
_ORDER = ("overview", "sessions", "subagents", "usage", "server", "results")


def title(chosen: str, what: Scope) -> str:
    """Return the title that was given, or one that says what the report is about."""
    return " ".join(chosen.split()) or f"Report on {scope.TITLES[what.kind]}, {what.period}"


@dataclass(frozen=True)
class Plan:
    """What a report is to have; `figures` are those of its overview."""

    title: str
    what: Scope
    sections: Sequence[str]
    included: Sequence[UUID]
    figures: dict[str, Any]


def blocks(plan: Plan) -> Iterator[tuple[float, str]]:
    """Yield which share of the sections is written, and the next block of Markdown."""
    what = plan.what
    yield 0.0, writing.heading(writing.words(plan.title, 200), 1)
    yield 0.0, f"On {scope.TITLES[what.kind]}: {what.period} (days of UTC)."
    wanted = [name for name in _ORDER if name in {*plan.sections, "server"}]
    for number, name in enumerate(wanted):
        for block in _WRITERS[name](plan):
            yield number / len(wanted), block


_WRITERS: dict[str, Callable[[Plan], Iterator[str]]] = {
    "overview": lambda plan: overview.write(plan.what, plan.figures),
    "sessions": lambda plan: chats.write(plan.what),
    "subagents": lambda plan: work.write(plan.what),
    "usage": lambda plan: usage.write(plan.what),
    "server": lambda plan: server.write(plan.what),
    "results": lambda plan: results.write(plan.included),
}
