"""Figures of many rows, counted by the database: no more rows come here than are shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any

from django.db.models import (
    Count,
    DateField,
    Q,
    QuerySet,
    Sum,
    Window,
)
from django.db.models.functions import RowNumber, TruncDay, TruncMonth

from agents_app.models import Subagent
from exports_app.reports.seconds import Seconds

BUCKETS_MAX = 120
_SHARES = (("p50", 0.5), ("p95", 0.95))
STATES = ("succeeded", "failed", "cancelled", "running", "admitted", "queued")


def by_state(rows: QuerySet[Any]) -> dict[str, int]:
    """Return how many rows are in each state."""
    return dict(rows.values_list("state").annotate(count=Count("pk")))


def times(rows: QuerySet[Subagent], measure: Seconds, needed: str) -> dict[str, Any]:
    """Return median, 95th percentile, sum and count of a time that ends at `needed`; seconds."""
    known = rows.exclude(started_at=None).exclude(**{needed: None})
    found = known.annotate(time=measure).aggregate(count=Count("pk"), total=Sum("time"))
    places = {name: min(found["count"] - 1, int(found["count"] * share)) + 1 for name, share in _SHARES}
    in_order = known.annotate(time=measure, place=Window(RowNumber(), order_by=measure))
    values = dict(in_order.filter(place__in=set(places.values())).values_list("place", "time"))
    return found | {name: values.get(place) for name, place in places.items()}


def over_time(
    rows: QuerySet[Any], column: str, measures: Mapping[str, Any], first: date | None, last: date
) -> list[list[Any]]:
    """Return `[day, *measures]` for every day, or month if the days are too many; 0 where nothing was."""
    if first is None:
        earliest = rows.order_by(column).values_list(column, flat=True).first()
        first = last if earliest is None else min(earliest.date(), last)
    by_month = (last - first).days >= BUCKETS_MAX
    truncated = (TruncMonth if by_month else TruncDay)(column, tzinfo=UTC, output_field=DateField())
    counted = rows.annotate(bucket=truncated).values("bucket").annotate(**measures)
    found = {row["bucket"]: [row[name] or 0 for name in measures] for row in counted}
    buckets = _months(first, last) if by_month else _days(first, last)
    label = "%Y-%m" if by_month else "%Y-%m-%d"
    return [
        [bucket.strftime(label), *found.get(bucket, [0] * len(measures))] for bucket in buckets[-BUCKETS_MAX:]
    ]


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def _months(first: date, last: date) -> Sequence[date]:
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def counts_of(*states: str) -> Any:
    """Return the aggregate that counts rows in some states."""
    return Count("pk", filter=Q(state__in=states))
