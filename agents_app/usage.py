"""Count what requests to models took, and read it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from agents_app.models import Tally, Turn
from agents_app.spending import COUNTS, SessionSpending, Spent, payload, summed
from sessions_app.events import SessionChange, session_change
from sessions_app.payloads import SessionUsage


def add(change: SessionChange, spent: Sequence[Spent], turn_id: UUID | None = None) -> None:
    """Count requests in the session of an open change, and in a turn of it."""
    if not spent:
        return
    if turn_id is not None:
        _grow(Turn.objects.filter(pk=turn_id), summed(spent))
    by_model: dict[str, list[Spent]] = defaultdict(list)
    for one in spent:
        by_model[one.model].append(one)
    for model, requests in by_model.items():
        SessionSpending.objects.get_or_create(session=change.session, model=model)
        _grow(SessionSpending.objects.filter(session=change.session, model=model), summed(requests))


def count(session_id: UUID, spent: Sequence[Spent], turn_id: UUID | None = None) -> None:
    """Count requests in a transaction of their own."""
    if spent:
        with session_change(session_id) as change:
            add(change, spent, turn_id)


def of_session(session_id: UUID) -> SessionUsage:
    """Return what a session took so far, in all and by model."""
    rows = SessionSpending.objects.filter(session_id=session_id)
    totals = rows.aggregate(**{name: Sum(name) for name in (*COUNTS, "cost_usd")})
    models = [{"model": row.model, **payload(row)} for row in rows.order_by("model")]
    return {**payload(totals), "models": models}  # type: ignore[typeddict-item]  # the same fields and one more


def _grow(rows: Any, more: dict[str, Any]) -> None:
    values: dict[str, Any] = {name: F(name) + more[name] for name in COUNTS if more[name]}
    if more["cost_usd"] is not None:
        values["cost_usd"] = Coalesce(F("cost_usd"), Decimal(0)) + more["cost_usd"]
    rows.update(**values)


MEASURES = (
    "requests",
    "unpriced_requests",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
)
NANO = Decimal(10**9)


def tallied(session_id: UUID) -> dict[str, int]:
    """Return what a session took as tallies: `model_input_tokens/openai:gpt-5` and so on."""
    tallies: dict[str, int] = {}
    for row in SessionSpending.objects.filter(session_id=session_id):
        tallies |= {f"model_{name}/{row.model}"[:150]: getattr(row, name) for name in MEASURES}
        tallies[f"model_nanodollars/{row.model}"[:150]] = int((row.cost_usd or 0) * NANO)
    return tallies


def totals() -> dict[str, Counter[str]]:
    """Return each measure, and `nanodollars`, by model over all sessions, deleted ones too."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    rows = SessionSpending.objects.order_by().values("model")
    sums: Any = rows.annotate(**{f"sum_{name}": Sum(name) for name in (*MEASURES, "cost_usd")})
    for row in sums:
        for name in MEASURES:
            found[name][row["model"]] += row[f"sum_{name}"]
        found["nanodollars"][row["model"]] += int((row["sum_cost_usd"] or 0) * NANO)
    for key, value in Tally.objects.filter(name__startswith="model_").values_list("name", "value"):
        name, _, model = key.removeprefix("model_").partition("/")
        found[name][model] += value
    return found
