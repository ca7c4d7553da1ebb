"""How much ran at once, against the cap that was in force at each moment.

A pool's cap may change while work runs. Where it is raised, more is allowed at once. Where it is lowered, or
the pool paused, the work that has a slot goes on and each end lowers what is allowed, until it is the cap:
after a lowering the count only falls.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos.evidence import Evidence, Line

# At one moment, ends come before starts, and what allows more before what counts.
_ORDER = {"raise": 0, "sample": 1, "end": 2, "lower": 3, "start": 4}
Attempt = tuple[str, int]


@dataclass
class Overlap:
    """The largest overlap of a pool and what was allowed at that moment; how often it was too much."""

    largest: int = 0
    allowed: int = 0
    excess: int = 0


@dataclass(frozen=True, kw_only=True)
class _Mark:
    at: float
    what: str
    value: int = 0

    @property
    def order(self) -> tuple[float, int]:
        return (self.at, _ORDER[self.what])


@dataclass
class _Count:
    limit: int
    allowed: int
    running: int = 0
    seen: Overlap = field(default_factory=Overlap)

    def take(self, mark: _Mark) -> None:
        if mark.what in ("raise", "lower"):
            self.limit = mark.value
            self.allowed = max(self.allowed, mark.value)
        elif mark.what == "end":
            self.running -= 1
            self.allowed = max(self.limit, self.allowed - 1)
        else:
            self.running += mark.what == "start"
            self._judge(mark.value if mark.what == "sample" else self.running)

    def _judge(self, count: int) -> None:
        self.seen.excess += count > self.allowed
        if count > self.seen.largest:
            self.seen.largest, self.seen.allowed = count, self.allowed


def overlaps(evidence: Evidence) -> dict[str, Overlap]:
    """Return the overlap of each pool: of the work's own start and end lines, and of the samples."""
    marks: dict[str, list[_Mark]] = defaultdict(list)
    for pool, mark in (*_of_work(evidence), *_of_samples(evidence), *_of_caps(evidence)):
        marks[pool].append(mark)
    return {pool: _sweep(evidence.initial_caps.get(pool, 0), found) for pool, found in sorted(marks.items())}


def intervals(evidence: Evidence) -> dict[Attempt, tuple[str, float, float]]:
    """Return pool, start and end of each attempt that started; it surely ran between them.

    The end is its last line or the last time that its lock was seen held, whichever is later.
    """
    lines: dict[Attempt, list[Line]] = defaultdict(list)
    for line in evidence.lines:
        lines[line.subagent, line.attempt].append(line)
    return {
        attempt: (found[0].pool, found[0].at, max(found[-1].at, evidence.last_held.get(attempt, 0.0)))
        for attempt, found in lines.items()
    }


def overlapping_attempts(evidence: Evidence) -> int:
    """Return how many attempts began while an earlier one of the same subagent ran."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for (subagent, _), (_, start, end) in intervals(evidence).items():
        spans[subagent].append((start, end))
    by_lines = {name for name, found in spans.items() if _touch(sorted(found))}
    return len(by_lines | {name for sample in evidence.samples for name in sample.twice})


def _touch(spans: list[tuple[float, float]]) -> bool:
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def _sweep(cap: int, marks: Iterable[_Mark]) -> Overlap:
    count = _Count(limit=cap, allowed=cap)
    for mark in sorted(marks, key=lambda mark: mark.order):
        count.take(mark)
    return count.seen


def _of_work(evidence: Evidence) -> Iterator[tuple[str, _Mark]]:
    for pool, start, end in intervals(evidence).values():
        yield pool, _Mark(at=start, what="start")
        yield pool, _Mark(at=end, what="end")


def _of_samples(evidence: Evidence) -> Iterator[tuple[str, _Mark]]:
    for sample in evidence.samples:
        for pool, count in sample.counts.items():
            yield pool, _Mark(at=sample.at, what="sample", value=count)


def _of_caps(evidence: Evidence) -> Iterator[tuple[str, _Mark]]:
    """A raise may be in force as soon as it was asked for, a lowering only once it was answered."""
    limits = dict(evidence.initial_caps)
    for change in evidence.caps:
        raised = change.limit >= limits.get(change.pool, 0)
        limits[change.pool] = change.limit
        at = change.before if raised else change.after
        yield change.pool, _Mark(at=at, what="raise" if raised else "lower", value=change.limit)
