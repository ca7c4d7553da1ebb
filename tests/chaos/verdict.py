"""What broke, counted: each number is zero where its invariant held."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.chaos.evidence import Evidence, Kill, Line, Row, Told
from tests.chaos.kinds import CANCELLED, KINDS, MAX_ATTEMPTS, SUCCEEDED, WORKER_LOST
from tests.chaos.overlap import overlapping_attempts, overlaps
from tests.chaos.recovery import DYING_SECONDS

FINAL = {"succeeded", "failed", "cancelled"}
ENDINGS = {"subagent.completed", "subagent.failed", "subagent.cancelled"}
# A row's time and an observation are compared across two clocks.
CLOCKS_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How often each invariant broke.

    `lost`: not ended, or succeeded without its effect. `doubled`: two ends, an effect of a superseded
    attempt, overlapping attempts, a second start of work not safe to repeat, two results in the chat, work
    that nobody submitted. `overlap_excess`: moments at which more ran than was allowed. `gaps`: numbers
    missing in sessions' events. `wrong_end`: ends that the kind of work does not have. `untold`: ends or
    results that nobody was told. `outlived`: attempts that ran when their row had left `running`.
    `redundant`: attempts given up although none of their processes was killed. `turns_stuck`: answers that
    never came. `problems`: errors that the verbs raised, actions that could not be done.
    """

    lost: int
    doubled: int
    overlap_excess: int
    gaps: int
    leftovers: int
    wrong_end: int
    untold: int
    outlived: int
    redundant: int
    turns_stuck: int
    problems: int

    @property
    def held(self) -> bool:
        """Whether all invariants held."""
        return not any(asdict(self).values())

    def __str__(self) -> str:
        return " ".join(f"{name}={count}" for name, count in asdict(self).items())


def judge(evidence: Evidence) -> Verdict:
    """Count what broke."""
    return Verdict(
        lost=len(set(_lost(evidence))),
        doubled=len(set(_doubled(evidence))) + overlapping_attempts(evidence),
        overlap_excess=sum(overlap.excess for overlap in overlaps(evidence).values()),
        gaps=sum(_missing(seqs, evidence.last_seqs.get(name, 0)) for name, seqs in evidence.seqs.items()),
        leftovers=len(evidence.leftovers),
        wrong_end=sum(not _may_end_so(evidence, row) for row in _final(evidence)),
        untold=len(set(_untold(evidence))),
        outlived=len(set(_outlived(evidence))),
        redundant=len(set(_redundant(evidence))),
        turns_stuck=evidence.turns_stuck,
        problems=len(evidence.problems),
    )


def broken(evidence: Evidence) -> dict[str, list[str]]:
    """Return the subagents behind the counts, for whoever looks for the reason."""
    wrong = [row.subagent for row in _final(evidence) if not _may_end_so(evidence, row)]
    found = {"lost": _lost(evidence), "doubled": _doubled(evidence), "untold": _untold(evidence)}
    found |= {"outlived": _outlived(evidence), "redundant": _redundant(evidence), "wrong_end": iter(wrong)}
    return {name: sorted(set(subagents)) for name, subagents in found.items()}


def end_of(row: Row) -> str:
    """Return how a subagent ended: `succeeded`, `cancelled` or the code of its failure."""
    return row.code if row.state == "failed" else row.state


def _final(evidence: Evidence) -> list[Row]:
    return [row for row in evidence.rows if row.state in FINAL and row.subagent in evidence.submitted]


def _lost(evidence: Evidence) -> Iterator[str]:
    yield from set(evidence.submitted) - {row.subagent for row in _final(evidence)}
    effects = {(line.subagent, line.attempt) for line in evidence.lines if line.what == "effect"}
    for row in evidence.rows:
        if row.state == SUCCEEDED and (row.subagent, row.attempt) not in effects:
            yield row.subagent


def _doubled(evidence: Evidence) -> Iterator[str]:
    yield from (row.subagent for row in evidence.rows if row.subagent not in evidence.submitted)
    yield from (name for name, times in evidence.results_told.items() if times > 1)
    yield from _ended_twice(evidence)
    yield from _started_twice(evidence)
    for row in evidence.rows:
        if row.state == SUCCEEDED and row.result_attempt != row.attempt:
            yield row.subagent


def _ended_twice(evidence: Evidence) -> Iterator[str]:
    """Yield what has two ends, or goes on after its end."""
    for subagent, told in _told_by_subagent(evidence).items():
        if any(event.kind in ENDINGS for event in sorted(told, key=lambda event: event.seq)[:-1]):
            yield subagent


def _started_twice(evidence: Evidence) -> Iterator[str]:
    """Yield work not safe to repeat that began twice, and attempts that did."""
    starts = [line for line in evidence.lines if line.what == "start"]
    attempts = Counter((line.subagent, line.attempt) for line in starts)
    yield from (subagent for (subagent, _), times in attempts.items() if times > 1)
    unsafe = Counter(line.subagent for line in starts if not KINDS[line.kind].safe)
    yield from (subagent for subagent, times in unsafe.items() if times > 1)


def _missing(seqs: list[int], last_seq: int) -> int:
    """Return how many numbers from 1 to the session's last are not there exactly once."""
    return len(set(range(1, last_seq + 1)) ^ set(seqs)) + len(seqs) - len(set(seqs))


def _may_end_so(evidence: Evidence, row: Row) -> bool:
    kind, end = KINDS[evidence.submitted[row.subagent]], end_of(row)
    if row.attempt > (MAX_ATTEMPTS if kind.safe else 1):
        return False
    if end == WORKER_LOST and kind.safe:
        return row.lost_attempts == tuple(range(1, MAX_ATTEMPTS + 1)) and row.attempt == MAX_ATTEMPTS
    return end in kind.ends | {WORKER_LOST}


def _untold(evidence: Evidence) -> Iterator[str]:
    """Yield ends without their event, and results of the tool executor that are not in the chat."""
    told = _told_by_subagent(evidence)
    for row in _final(evidence):
        ends = [event.attempt for event in told.get(row.subagent, []) if event.kind in ENDINGS]
        if row.attempt not in ends:
            yield row.subagent
        in_chat = KINDS[evidence.submitted[row.subagent]].told and row.state != CANCELLED
        if evidence.results_told.get(row.subagent, 0) < in_chat:
            yield row.subagent


def _outlived(evidence: Evidence) -> Iterator[str]:
    """Yield what was seen running after its row had been given back or ended."""
    left = {(row.subagent, row.attempt): row.finished_at for row in evidence.rows}
    for event in evidence.told:
        if event.kind == "subagent.queued" and event.attempt > 1:
            left[event.subagent, event.attempt - 1] = event.at
    tolerance = CLOCKS_SECONDS + evidence.clock_drift_seconds
    for attempt, held in evidence.last_held.items():
        moment = left.get(attempt)
        if moment is not None and held > moment + tolerance:
            yield attempt[0]


def _redundant(evidence: Evidence) -> Iterator[str]:
    starts = {(line.subagent, line.attempt): line for line in evidence.lines if line.what == "start"}
    for row in evidence.rows:
        for attempt in (*row.lost_attempts, *([row.attempt] if row.code == WORKER_LOST else [])):
            start = starts.get((row.subagent, attempt))
            if start is not None and not any(_is_cause(evidence, kill, start) for kill in evidence.kills):
                yield row.subagent


def _is_cause(evidence: Evidence, kill: Kill, start: Line) -> bool:
    """Whether a kill explains that an attempt was given up.

    A keeper that dies after it has ended work by force and before it has said so leaves a dead attempt.
    """
    if start.pid in kill.pids:
        return start.at < kill.at + DYING_SECONDS
    held = evidence.last_held.get((start.subagent, start.attempt), start.at)
    in_the_act = kill.what == "keeper" and abs(kill.at - held) < DYING_SECONDS
    return in_the_act and KINDS[start.kind].ends_by_force


def _told_by_subagent(evidence: Evidence) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for event in evidence.told:
        found[event.subagent].append(event)
    return found
