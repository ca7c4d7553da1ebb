"""Deleting many rows in many short transactions, so that nobody waits long for the database."""

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

CHUNK_SECONDS = 0.05
FIRST_CHUNK_ROWS = 50
CHUNK_ROWS_MAX = 500


def delete_in_chunks(rows: QuerySet[Any], within: Callable[[QuerySet[Any]], None] | None = None) -> int:
    """Delete `rows` in chunks that aim at half of 50 ms each; return how many there were.

    `within(chunk)` is called in each chunk's transaction before its rows go.
    """
    size, deleted = FIRST_CHUNK_ROWS, 0
    while ids := list(rows.order_by().values_list("pk", flat=True)[:size]):
        with transaction.atomic():
            began = time.monotonic()
            chunk = rows.model._default_manager.filter(pk__in=ids)  # noqa: SLF001  # Django's documented name
            if within is not None:
                within(chunk)
            chunk.delete()
            seconds = time.monotonic() - began
        deleted += len(ids)
        size = next_size(len(ids), seconds)
    return deleted


def next_size(size: int, seconds: float) -> int:
    """Return how many rows to take next, when `size` rows took `seconds`: at most twice as many."""
    wanted = size * CHUNK_SECONDS / 2 / max(seconds, 0.001)
    return max(1, min(int(wanted), 2 * size, CHUNK_ROWS_MAX))
