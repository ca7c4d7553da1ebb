"""What a run prints at its end: a table, and last the one line that counts."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.evidence import Evidence
from tests.chaos.overlap import overlaps
from tests.chaos.recovery import percentile, recoveries
from tests.chaos.verdict import Verdict, broken, end_of

SHOWN = 5


def lines(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    """Yield the report; the last line has every count of the verdict."""
    yield from _ends(evidence)
    yield f"lost                   {verdict.lost}"
    yield f"doubled                {verdict.doubled}"
    yield from _kills(evidence)
    yield from _overlap(evidence)
    yield from _recoveries(evidence)
    yield from _broken(evidence)
    yield f"chaos subagents {verdict}"


def _ends(evidence: Evidence) -> Iterator[str]:
    yield f"submitted              {len(evidence.submitted)}"
    rows = [row for row in evidence.rows if row.subagent in evidence.submitted]
    for end, count in sorted(Counter((row.state, end_of(row)) for row in rows).items()):
        yield f"{end[0]:<22} {count}" if end[0] == end[1] else f"{end[0]} {end[1]:<15} {count}"
    yield f"attempts started       {sum(line.what == 'start' for line in evidence.lines)}"
    effects = Counter(line.subagent for line in evidence.lines if line.what == "effect")
    yield f"effects made again     {sum(times > 1 for times in effects.values())}"
    yield f"results in the chat    {sum(evidence.results_told.values())}"


def _kills(evidence: Evidence) -> Iterator[str]:
    done = Counter(kill.what for kill in evidence.kills)
    yield "killed                 " + ", ".join(f"{name} {count}" for name, count in done.most_common())
    yield f"changes of caps        {len(evidence.caps)}"


def _overlap(evidence: Evidence) -> Iterator[str]:
    for pool, overlap in overlaps(evidence).items():
        cap = evidence.initial_caps.get(pool)
        limits = f"{overlap.allowed} allowed then, cap {cap} at first"
        yield f"overlap in {pool:<11} {overlap.largest} at most, {limits}"
    if evidence.pace:
        samples, gap = evidence.pace["samples"], evidence.pace["longest_gap"]
        yield f"observer               {samples} samples, longest gap {gap * 1000:.0f} ms"


def _recoveries(evidence: Evidence) -> Iterator[str]:
    yield f"{'seconds until':<24}{'n':>5}{'p50':>8}{'p95':>8}{'max':>8}"
    for name, seconds in recoveries(evidence).items():
        figures = (percentile(seconds, 0.5), percentile(seconds, 0.95), max(seconds))
        yield f"{name:<24}{len(seconds):>5}" + "".join(f"{figure:>8.2f}" for figure in figures)


def _broken(evidence: Evidence) -> Iterator[str]:
    for name, subagents in broken(evidence).items():
        if subagents:
            yield f"{name}: {', '.join(subagents[:SHOWN])}{' …' if len(subagents) > SHOWN else ''}"
    for name, found in (("left over", evidence.leftovers), ("problem", evidence.problems)):
        yield from (f"{name}: {text}" for text in found[:SHOWN])
