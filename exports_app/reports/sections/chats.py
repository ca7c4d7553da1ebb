"""The chats: how much was said when, which were the busiest, which tools answered at once."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Max

from exports_app.reports import figures, writing
from exports_app.reports.scope import SESSION, Scope
from sessions_app.models import ChatSession

_ROWS = 10
_NAMES_READ = 1000
_OF_SERVER = "__"


def write(scope: Scope) -> Iterator[str]:
    """Yield the blocks of the section; nothing if nothing was said."""
    said = figures.over_time(
        scope.messages(), "created_at", {"count": Count("pk")}, scope.period.first, scope.period.last
    )
    calls = _calls(scope)
    if not calls and not any(count for _, count in said):
        return
    yield writing.heading("Chats")
    yield writing.columns("Messages by day", "messages", ("messages",), said)
    if scope.kind != SESSION and not scope.of_everybody:
        yield writing.heading("Busiest chats", 3)
        yield writing.table(("Chat", "Last message (UTC)"), ("Messages", "Work"), _busiest(scope))
    if calls:
        yield writing.heading("Tools that answered at once", 3)
        yield writing.table(("Tool",), ("Calls", "Failed"), map(_call_row, calls))
    servers = _servers(scope)
    if servers:
        yield writing.heading("MCP servers", 3)
        rows = ((writing.words(name), writing.number(count)) for name, count in servers)
        yield writing.table(("Server",), ("Calls",), rows)


def _busiest(scope: Scope) -> Iterator[tuple[str, ...]]:
    counted = scope.messages().values("session_id").annotate(count=Count("pk"), last=Max("created_at"))
    rows = list(counted.order_by("-count")[:_ROWS])
    ids = [row["session_id"] for row in rows]
    chats = ChatSession.objects.in_bulk(ids)
    work = scope.subagents().filter(session_id__in=ids).values_list("session_id").annotate(count=Count("pk"))
    pieces = dict(work)
    for row in rows:
        pk = row["session_id"]
        figures_of_it = (writing.number(row["count"]), writing.number(pieces.get(pk)))
        yield writing.words(str(chats[pk])), writing.moment(row["last"]), *figures_of_it


def _calls(scope: Scope) -> list[Any]:
    counted = (
        scope.calls().values("tool_name").annotate(count=Count("pk"), failed=figures.counts_of("failed"))
    )
    return list(counted.order_by("-count", "tool_name")[:_ROWS])


def _call_row(row: Any) -> tuple[str, ...]:
    return writing.words(row["tool_name"]), writing.number(row["count"]), writing.number(row["failed"])


def _servers(scope: Scope) -> list[tuple[str, int]]:
    """Return how often the tools of each MCP server were called, at once and in the background."""
    found: Counter[str] = Counter()
    for rows in (scope.calls().filter(subagent=None), scope.subagents()):
        named = rows.filter(tool_name__contains=_OF_SERVER).values_list("tool_name")
        counted: Any = named.annotate(count=Count("pk")).order_by("-count")[:_NAMES_READ]
        for name, count in counted:
            found[name.partition(_OF_SERVER)[0]] += count
    return found.most_common(_ROWS)
