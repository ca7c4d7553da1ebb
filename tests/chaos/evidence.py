"""What is known at the end of a run: of the database, the ledgers, the observer and the processes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill at monotonic second `at`; `pids` are the processes that died of it, if known."""

    what: str
    at: float
    pids: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CapChange:
    """A pool may admit up to `limit` from some moment between `before` and `after` (monotonic seconds)."""

    pool: str
    limit: int
    before: float
    after: float


@dataclass
class Record:
    """What was done to the installation, and in how many seconds each process was back."""

    kills: list[Kill] = field(default_factory=list)
    caps: list[CapChange] = field(default_factory=list)
    back_seconds: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A subagent as the database ended it. `finished_at` is in monotonic seconds of this machine."""

    subagent: str
    state: str
    code: str = ""
    attempt: int = 1
    lost_attempts: tuple[int, ...] = ()
    result_attempt: int | None = None
    finished_at: float | None = None
    cancel_requested: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """A stored event of a subagent; `at` in monotonic seconds."""

    subagent: str
    seq: int
    kind: str
    attempt: int
    at: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the work's ledger: start, effect or end of an attempt at monotonic second `at`."""

    what: str
    at: float
    subagent: str
    attempt: int
    pid: int
    pool: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the observer saw at monotonic second `at`: running work by pool, subagents with two attempts."""

    at: float
    counts: dict[str, int]
    twice: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Evidence:
    """All of it.

    `submitted` has the kind of each submitted subagent, `seqs` each session's event numbers, `last_seqs` the
    last number that the session itself knows of, `last_held` until when the observer saw the lock of an
    attempt held, `leftovers` what stayed behind, `clock_drift_seconds` how far the wall clock, which the
    database's times are taken from, moved against the monotonic one.
    """

    submitted: dict[str, str]
    rows: Sequence[Row]
    told: Sequence[Told] = ()
    seqs: dict[str, list[int]] = field(default_factory=dict)
    last_seqs: dict[str, int] = field(default_factory=dict)
    results_told: dict[str, int] = field(default_factory=dict)
    lines: Sequence[Line] = ()
    samples: Sequence[Sample] = ()
    last_held: dict[tuple[str, int], float] = field(default_factory=dict)
    kills: Sequence[Kill] = ()
    initial_caps: dict[str, int] = field(default_factory=dict)
    caps: Sequence[CapChange] = ()
    leftovers: Sequence[str] = ()
    turns_stuck: int = 0
    clock_drift_seconds: float = 0
    problems: Sequence[str] = ()
    back_seconds: dict[str, list[float]] = field(default_factory=dict)
    pace: dict[str, Any] = field(default_factory=dict)
