"""Numbers that only grow and outlive the rows that they count."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

from agents_app.models import Tally


def add(amounts: Mapping[str, int]) -> None:
    """Add to each tally by name; one that is new begins at 0."""
    with transaction.atomic():
        for name, amount in sorted(amounts.items()):
            Tally.objects.get_or_create(name=name)
            Tally.objects.filter(name=name).update(value=F("value") + amount)


def values(prefix: str) -> dict[str, int]:
    """Return the tallies whose name begins with `prefix`, without it."""
    rows = Tally.objects.filter(name__startswith=prefix).values_list("name", "value")
    return {name.removeprefix(prefix): value for name, value in rows}
