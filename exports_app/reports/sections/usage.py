"""Tokens and what they cost, by day and by model."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Sum

from exports_app.reports import figures, writing
from exports_app.reports.scope import Scope

_ROWS = 15
_TOKENS = {"input": Sum("input_tokens"), "output": Sum("output_tokens")}


def write(scope: Scope) -> Iterator[str]:
    """Yield the blocks of the section; nothing if no model was asked."""
    models = list(_models(scope))
    if not models:
        return
    days = scope.period.first, scope.period.last
    yield writing.heading("Tokens and cost")
    by_day = figures.over_time(scope.turns(), "created_at", _TOKENS, *days)
    yield writing.columns("Tokens by day", "tokens", ("input", "output"), by_day)
    costs = figures.over_time(scope.turns(), "created_at", {"cost": Sum("cost_usd")}, *days)
    yield writing.columns("Cost by day", "USD", ("USD",), [[day, float(cost)] for day, cost in costs])
    columns = ("Answers", "Requests", "Input", "Output", "From cache", "Cost")
    yield writing.table(("Model",), columns, map(_row, models))
    unpriced = sum(row["unpriced"] for row in models)
    if unpriced:
        yield f"The cost is without {writing.number(unpriced)} requests whose price is not known."
    yield "Counted are the answers that began in the period; naming a new chat is not among them."


def _models(scope: Scope) -> Any:
    counted = (
        scope.turns()
        .filter(requests__gt=0)
        .values("model")
        .annotate(
            count=Count("pk"),
            asked=Sum("requests"),
            unpriced=Sum("unpriced_requests"),
            input=Sum("input_tokens"),
            output=Sum("output_tokens"),
            cached=Sum("cache_read_tokens"),
            cost=Sum("cost_usd"),
        )
    )
    return counted.order_by("-asked", "model")[:_ROWS]


def _row(row: Any) -> tuple[str, ...]:
    counts = (writing.number(row[name]) for name in ("count", "asked", "input", "output", "cached"))
    return (writing.words(row["model"] or "unknown"), *counts, writing.money(row["cost"]))
