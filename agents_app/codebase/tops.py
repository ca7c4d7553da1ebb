"""Keeping the largest few of many things without holding the many."""

import heapq
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Top(Generic[Item]):
    """Keeps the `size` items with the highest ranks; of equal ranks the ones that came first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._count = 0
        self._heap: list[tuple[int, int, Item]] = []

    def add(self, rank: int, item: Item) -> None:
        """Keep `item` if fewer than `size` others rank at least as high."""
        # The count is unique, so items themselves are never compared.
        self._count -= 1
        entry = (rank, self._count, item)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def items(self) -> list[Item]:
        """Return the items, highest rank first."""
        return [item for _rank, _count, item in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]
