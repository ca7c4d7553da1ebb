"""What a run prints at its end: a table, and last the one line that counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from tests.chaos.recovery import percentile
from tests.chaos_feed.evidence import Evidence, Journal
from tests.chaos_feed.gaps import gaps, lateness
from tests.chaos_feed.killer import CUT
from tests.chaos_feed.texts import text_faults
from tests.chaos_feed.verdict import Verdict, order_faults, unexpected_ends

SHOWN = 8
COUNTS = ("lost", "doubled", "reordered", "wrong", "text_gaps", "text_wrong")


def lines(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    """Yield the report; the last line has the counts of the verdict and how much they are worth."""
    yield from _kinds(evidence)
    yield from _kills(evidence)
    yield from _times(evidence)
    yield f"peak of a web process  {evidence.web_peak_bytes / 2**20:.0f} MB"
    yield f"all had all after      {evidence.settle_seconds:.2f} s"
    yield from _broken(evidence)
    yield last_line(evidence, verdict)


def last_line(evidence: Evidence, verdict: Verdict) -> str:
    """Return the counts; what is not zero among the first ones broke."""
    counts = asdict(verdict)
    kept = " ".join(f"{name}={counts[name]}" for name in COUNTS)
    silences = gaps(evidence).get(CUT, [])
    longest = f"longest_gap_after_cut_ms={max(silences, default=0) * 1000:.0f}"
    amount = f"events={sum(map(len, evidence.rows.values()))} deliveries={_deliveries(evidence.journals)}"
    reconnects = f"reconnects={sum(journal.reconnects for journal in evidence.journals)}"
    others = f"unexpected={verdict.unexpected} problems={verdict.problems}"
    return f"chaos feed {kept} {longest} {amount} {reconnects} {others}"


def _deliveries(journals: Sequence[Journal]) -> int:
    return sum(len(journal.deliveries) for journal in journals)


def _kinds(evidence: Evidence) -> Iterator[str]:
    yield f"{'kind of client':<22}{'n':>4}{'events':>9}{'pieces':>8}{'anew':>6}  ends"
    for kind in dict.fromkeys(journal.kind for journal in evidence.journals):
        journals = [journal for journal in evidence.journals if journal.kind == kind]
        pieces = sum(len(journal.deltas) for journal in journals)
        anew = sum(journal.reconnects for journal in journals)
        ends = Counter(end for journal in journals for end in journal.ends)
        told = ", ".join(f"{end} {count}" for end, count in ends.most_common())
        yield f"{kind:<22}{len(journals):>4}{_deliveries(journals):>9}{pieces:>8}{anew:>6}  {told}"


def _kills(evidence: Evidence) -> Iterator[str]:
    done = Counter(kill.what for kill in evidence.kills)
    yield "done                   " + ", ".join(f"{what} {count}" for what, count in done.most_common())


def _times(evidence: Evidence) -> Iterator[str]:
    yield f"{'seconds':<24}{'n':>7}{'p50':>8}{'p95':>8}{'max':>8}"
    for what, seconds in sorted(gaps(evidence).items()):
        yield _figures(f"silence after {what}", seconds)
    for what, waits in sorted(evidence.back_seconds.items()):
        yield _figures(f"{what} is back", waits)
    if late := lateness(evidence):
        yield _figures("commit to arrival", late)


def _figures(name: str, seconds: Sequence[float]) -> str:
    figures = (percentile(seconds, 0.5), percentile(seconds, 0.95), max(seconds))
    return f"{name:<24}{len(seconds):>7}" + "".join(f"{figure:>8.3f}" for figure in figures)


def _broken(evidence: Evidence) -> Iterator[str]:
    """Yield which clients the faults are of, for whoever looks for the reason."""
    found = [text for journal in evidence.journals if (text := _faults(evidence, journal))]
    found += [f"unexpected: {end}, {count} times" for end, count in unexpected_ends(evidence).items()]
    found += [f"problem: {problem}" for problem in evidence.problems]
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} more"


def _faults(evidence: Evidence, journal: Journal) -> str:
    order, text = order_faults(evidence, journal), text_faults(journal, evidence.texts)
    counts = {**asdict(order), "text_gaps": text.gaps, "text_wrong": text.wrong}
    told = " ".join(f"{name}={count}" for name, count in counts.items() if count)
    return f"{journal.name}: {told}" if told else ""
