"""How long it took until work went on, by what was killed."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.chaos.evidence import Evidence, Kill, Line

WORKERS = ("child", "agents")
# A worker's children die a moment after it does, and may have begun something in that moment.
DYING_SECONDS = 1.0
# What was on its way to a worker still starts after the broker is gone; the stop comes when that is used up.
AFTERMATH_SECONDS = 10.0
ENDS = {"subagent.completed", "subagent.failed", "subagent.cancelled"}


def recoveries(evidence: Evidence) -> dict[str, list[float]]:
    """Return seconds by what was killed and what was waited for.

    `noticed` is until the row of work that died was given back or ended; `runs again` until that work's
    next attempt began, waiting in the queue included; `next start` until any work began; `longest stop` is
    the longest time without a start that began within ten seconds; `back` until the process was there again.
    """
    found: dict[str, list[float]] = defaultdict(list)
    found |= {f"{name}: back": seconds for name, seconds in evidence.back_seconds.items()}
    for name, seconds in (*_of_work(evidence), *_of_all(evidence)):
        found[name].append(seconds)
    return dict(sorted(found.items()))


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def victims(evidence: Evidence, kill: Kill) -> list[Line]:
    """Return the starts of the attempts that a kill cut short."""
    ended = {(line.subagent, line.attempt) for line in evidence.lines if line.what == "end"}
    return [
        line
        for line in evidence.lines
        if line.what == "start"
        and line.pid in kill.pids
        and line.at < kill.at + DYING_SECONDS
        and (line.subagent, line.attempt) not in ended
    ]


def _of_work(evidence: Evidence) -> Iterator[tuple[str, float]]:
    noticed, starts = _noticed(evidence), _starts(evidence)
    for kill in evidence.kills:
        if kill.what not in WORKERS:
            continue
        for line in victims(evidence, kill):
            attempt = (line.subagent, line.attempt)
            if attempt in noticed:
                yield f"{kill.what}: noticed", noticed[attempt] - kill.at
            if (again := starts.get((line.subagent, line.attempt + 1))) is not None:
                yield f"{kill.what}: runs again", again - kill.at


def _of_all(evidence: Evidence) -> Iterator[tuple[str, float]]:
    moments = sorted(_starts(evidence).values())
    for kill in evidence.kills:
        later = bisect_right(moments, kill.at)
        if kill.what in ("broker", "wipe") and later < len(moments):
            yield f"{kill.what}: next start", moments[later] - kill.at
            soon = [kill.at, *moments[later : bisect_right(moments, kill.at + AFTERMATH_SECONDS) + 1]]
            yield f"{kill.what}: longest stop", max(after - before for before, after in pairwise(soon))


def _starts(evidence: Evidence) -> dict[tuple[str, int], float]:
    return {(line.subagent, line.attempt): line.at for line in evidence.lines if line.what == "start"}


def _noticed(evidence: Evidence) -> dict[tuple[str, int], float]:
    """Return when each attempt's row left it: by the next attempt's place in the queue, or by its end."""
    found: dict[tuple[str, int], float] = {}
    for event in evidence.told:
        if event.kind == "subagent.queued" and event.attempt > 1:
            found[event.subagent, event.attempt - 1] = event.at
        elif event.kind in ENDS:
            found[event.subagent, event.attempt] = event.at
    return found
