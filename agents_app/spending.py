"""What requests to models took and cost: for each turn, and for each session and model."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models

from sessions_app.models import ChatSession
from sessions_app.payloads import UsagePayload


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one request took; `cost_usd` is None if the model's price is not known."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: Decimal | None = None
    is_estimate: bool = False


class Spending(models.Model):
    """What requests took together."""

    requests = models.PositiveIntegerField(default=0, help_text="how many times a model was asked")
    unpriced_requests = models.PositiveIntegerField(default=0, help_text="those whose price is not known")
    estimated_requests = models.PositiveIntegerField(
        default=0,
        help_text="those whose tokens the provider did not report: they were cut off, or it never does",
    )
    input_tokens = models.BigIntegerField(default=0, help_text="with those that came from a cache")
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(
        max_digits=18,
        decimal_places=9,
        null=True,
        blank=True,
        help_text="of the priced ones; empty if none is",
    )

    class Meta:
        abstract = True


class SessionSpending(Spending):
    """What one model's requests took in one session, those for its title too."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The unique constraint begins with it.
    session = models.ForeignKey(
        ChatSession, on_delete=models.CASCADE, related_name="spending", db_index=False
    )
    model = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "model"], name="one_spending_a_model")]

    def __str__(self) -> str:
        return f"{self.model}: {self.requests} requests"


COUNTS = (
    "requests",
    "unpriced_requests",
    "estimated_requests",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
)


def summed(spent: Iterable[Spent]) -> dict[str, Any]:
    """Return requests added up, by the fields of `Spending`."""
    requests = list(spent)
    totals: dict[str, Any] = {name: sum(getattr(one, name) for one in requests) for name in COUNTS[3:]}
    totals |= {
        "requests": len(requests),
        "unpriced_requests": sum(one.cost_usd is None for one in requests),
        "estimated_requests": sum(one.is_estimate for one in requests),
    }
    costs = [one.cost_usd for one in requests if one.cost_usd is not None]
    return totals | {"cost_usd": sum(costs, Decimal(0)) if costs else None}


def payload(row: Any) -> UsagePayload:
    """Return what a row of `Spending`, or a mapping of its fields, tells."""
    values = row if isinstance(row, dict) else {name: getattr(row, name) for name in (*COUNTS, "cost_usd")}
    cost = values["cost_usd"]
    return {
        "requests": values["requests"] or 0,
        "input_tokens": values["input_tokens"] or 0,
        "output_tokens": values["output_tokens"] or 0,
        "cache_read_tokens": values["cache_read_tokens"] or 0,
        "cache_write_tokens": values["cache_write_tokens"] or 0,
        "cost_usd": None if cost is None else amount(cost),
        "unpriced_requests": values["unpriced_requests"] or 0,
        "estimated_requests": values["estimated_requests"] or 0,
    }


def amount(cost: Decimal) -> str:
    """Return an amount without exponent and without zeros at its end."""
    text = f"{cost:.9f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.partition(".")[2]))
