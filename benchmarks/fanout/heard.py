"""What the clients of one phase have heard, reckoned once the phase is over."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.report import percentile


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Over all clients: how much arrived, what was wrong with it, how long it took."""

    deliveries: int
    lost: int
    doubled: int
    reordered: int
    closed: int
    last_ns: int
    p50_ms: float
    p99_ms: float


class Reckoning:
    """Reads the frames of one phase; events of an earlier one do not count."""

    def __init__(self, phase: int, events: int) -> None:
        self._phase = phase
        self._events = events
        # Most clients were sent the same frames: each is parsed once.
        self._parsed: dict[bytes, list[tuple[int, int]]] = {}
        self._took: list[int] = []
        self._last_ns = self._lost = self._doubled = self._reordered = 0

    def of(self, clients: Iterable[Sequence[tuple[int, bytes]]], closed: int) -> Heard:
        """Return what these clients have heard: of each the frames with the moments of their arrival."""
        for frames in clients:
            self._client(frames)
        took = self._took or [0]
        return Heard(
            deliveries=len(self._took),
            lost=self._lost,
            doubled=self._doubled,
            reordered=self._reordered,
            closed=closed,
            last_ns=self._last_ns,
            p50_ms=percentile(took, 50) / 1e6,
            p99_ms=percentile(took, 99) / 1e6,
        )

    def _client(self, frames: Sequence[tuple[int, bytes]]) -> None:
        numbers: list[int] = []
        for arrived, payload in frames:
            events = self._events_of(payload)
            for number, moment in events:
                numbers.append(number)
                self._took.append(arrived - moment)
            if events:
                self._last_ns = max(self._last_ns, arrived)
        different = len(set(numbers))
        self._lost += self._events - different
        self._doubled += len(numbers) - different
        self._reordered += sum(later < earlier for earlier, later in pairwise(numbers))

    def _events_of(self, payload: bytes) -> list[tuple[int, int]]:
        known = self._parsed.get(payload)
        if known is None:
            bodies = [event["payload"] for event in json.loads(payload)]
            known = [(body["number"], body["moment"]) for body in bodies if body.get("phase") == self._phase]
            self._parsed[payload] = known
        return known
