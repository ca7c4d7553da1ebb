"""The work of subagents: which tools, what took longest, what failed and why."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Avg, Count, Max, Q
from django.db.models.fields.json import KT

from agents_app.models import Subagent
from agents_app.wording.tables import duration
from exports_app.reports import figures, seconds, writing
from exports_app.reports.scope import Scope

_ROWS = 15
_SLOWEST = 10


def write(scope: Scope) -> Iterator[str]:
    """Yield the blocks of the section; nothing if there was no work."""
    tools = list(_tools(scope))
    if not tools:
        return
    yield writing.heading("Work")
    yield writing.bars("Work by tool", "pieces", [(_tool_name(row), row["count"]) for row in tools])
    columns = ("Runs", "Succeeded", "Failed", "Cancelled", "Mean time", "Longest")
    yield writing.table(("Tool",), columns, map(_tool_row, tools))
    yield from _titled("Slowest work", _slowest(scope))
    yield from _titled("Failures", _failures(scope))


def _titled(title: str, block: str) -> Iterator[str]:
    if block:
        yield writing.heading(title, 3)
        yield block


def _tools(scope: Scope) -> Any:
    rows = scope.subagents().annotate(time=seconds.WORKED).values("agent_type", "tool_name")
    counted = rows.annotate(
        count=Count("pk"),
        succeeded=figures.counts_of("succeeded"),
        failed=figures.counts_of("failed"),
        cancelled=figures.counts_of("cancelled"),
        mean=Avg("time"),
        longest=Max("time"),
    )
    return counted.order_by("-count", "tool_name")[:_ROWS]


def _tool_name(row: Any) -> str:
    name = str(row["tool_name"])
    return f"export as {name}" if row["agent_type"] == "export_agent" else name


def _tool_row(row: Any) -> tuple[str, ...]:
    counts = (writing.number(row[name]) for name in ("count", "succeeded", "failed", "cancelled"))
    spent = (duration(row["mean"]), duration(row["longest"]))
    return (writing.words(_tool_name(row)), *counts, *spent)


def _slowest(scope: Scope) -> str:
    ended = scope.subagents().filter(started_at__isnull=False, finished_at__isnull=False)
    rows = ended.annotate(time=seconds.WORKED).order_by("-time").select_related("owner")
    rows = rows.only("title", "tool_name", "agent_type", "state", "queued_at", "owner__username")[:_SLOWEST]
    return writing.table(
        (_who(scope), "Queued (UTC)", "State"), ("Time",), (_slow(scope, row) for row in rows)
    )


def _who(scope: Scope) -> str:
    return "Tool and user" if scope.of_everybody else "Work"


def _slow(scope: Scope, row: Any) -> tuple[str, ...]:
    subject = f"{row.tool_name}, {row.owner.get_username()}" if scope.of_everybody else row.title
    return writing.words(subject), writing.moment(row.queued_at), row.state, duration(row.time)


def _failures(scope: Scope) -> str:
    """Return the failures by code; of one's own with the newest of each as an example."""
    failed = scope.subagents().filter(state=Subagent.State.FAILED).annotate(code=KT("error__code"))
    counted = failed.values("code").annotate(
        count=Count("pk"), users=Count("owner_id", distinct=True), last=Max("finished_at")
    )
    rows = list(counted.order_by("-count", "code")[:_ROWS])
    if scope.of_everybody:
        return writing.table(("Code", "Newest (UTC)"), ("Failures", "Users"), map(_of_everybody, rows))
    cells = ((_code(row), _example(failed, row["code"]), writing.number(row["count"])) for row in rows)
    return writing.table(("Code", "The newest"), ("Failures",), cells)


def _of_everybody(row: Any) -> tuple[str, ...]:
    return _code(row), writing.moment(row["last"]), writing.number(row["count"]), writing.number(row["users"])


def _code(row: Any) -> str:
    return writing.words(str(row["code"] or "unknown"))


def _example(failed: Any, code: str | None) -> str:
    same = failed.filter(Q(error__code=code) if code is not None else Q(error__code__isnull=True))
    newest = same.order_by("-finished_at").values_list("title", "error").first()
    if newest is None:
        return "–"
    title, error = newest
    return f"{writing.words(title, 60)}: {writing.words(str((error or {}).get('message', '')), 160)}"
