"""What broke, counted: each number is zero where the feed kept its promise."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.chaos_feed.evidence import SLOW, Evidence, Journal
from tests.chaos_feed.texts import text_faults

CUT = "cut"
REFUSED = "refused"
TOO_SLOW = "4408"
UNANSWERED = "ping timeout"
# What the death or the restart of a web process looks like from outside.
EXPECTED_ENDS = {CUT, REFUSED, "1001", "1012"}
# One that does not read gets no ping either.
SLOW_ENDS = {*EXPECTED_ENDS, TOO_SLOW, UNANSWERED}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How often each promise was broken.

    `lost`: events that a client never got, numbers missing in the rows, commits without a row. `doubled`: a
    `seq` handed to a client again. `reordered`: a `seq` that is not the next one of its connection. `wrong`:
    content that differs from the row, a row that differs from what was written. `text_gaps`: text that does
    not continue that of its connection. `text_wrong`: text that differs from what was written. `unexpected`:
    close codes and answers that nothing explains, `problems`: what went wrong in the harness.
    """

    lost: int
    doubled: int
    reordered: int
    wrong: int
    text_gaps: int
    text_wrong: int
    unexpected: int
    problems: int

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not any(asdict(self).values())


@dataclass(frozen=True, kw_only=True)
class OrderFaults:
    """The faults in what one client was handed."""

    lost: int
    doubled: int
    reordered: int
    wrong: int


def judge(evidence: Evidence) -> Verdict:
    """Count what broke."""
    faults = [order_faults(evidence, journal) for journal in evidence.journals]
    texts = [text_faults(journal, evidence.texts) for journal in evidence.journals]
    return Verdict(
        lost=sum(fault.lost for fault in faults) + _rows_missing(evidence) + len(list(_rowless(evidence))),
        doubled=sum(fault.doubled for fault in faults),
        reordered=sum(fault.reordered for fault in faults),
        wrong=sum(fault.wrong for fault in faults) + len(list(_rows_wrong(evidence))),
        text_gaps=sum(text.gaps for text in texts),
        text_wrong=sum(text.wrong for text in texts),
        unexpected=sum(unexpected_ends(evidence).values()),
        problems=len(evidence.problems),
    )


def order_faults(evidence: Evidence, journal: Journal) -> OrderFaults:
    """Count the faults in a client's durable events."""
    marks = {row.seq: row.mark for row in evidence.rows[journal.session]}
    last_of = dict(enumerate(journal.afters))
    seen: set[int] = set()
    doubled = reordered = wrong = 0
    for delivery in journal.deliveries:
        if delivery.seq in seen:
            doubled += 1
        elif delivery.seq != last_of[delivery.connection] + 1:
            reordered += 1
        wrong += marks.get(delivery.seq) != delivery.mark
        seen.add(delivery.seq)
        last_of[delivery.connection] = max(last_of[delivery.connection], delivery.seq)
    lost = set(range(1, evidence.last_seqs[journal.session] + 1)) - seen
    return OrderFaults(lost=len(lost), doubled=doubled, reordered=reordered, wrong=wrong)


def unexpected_ends(evidence: Evidence) -> Counter[str]:
    """Return which ends of connections nothing explains, by kind of client."""
    return Counter(
        f"{journal.kind} {end}"
        for journal in evidence.journals
        for end in journal.ends
        if end not in (SLOW_ENDS if journal.kind == SLOW else EXPECTED_ENDS)
    )


def _rows_missing(evidence: Evidence) -> int:
    """Return how many numbers up to a session's last are not there exactly once."""
    missing = 0
    for session, last_seq in evidence.last_seqs.items():
        seqs = [row.seq for row in evidence.rows[session]]
        missing += len(set(range(1, last_seq + 1)) ^ set(seqs)) + len(seqs) - len(set(seqs))
    return missing


def _rowless(evidence: Evidence) -> Iterator[tuple[str, int]]:
    """Yield places at which a writer committed an event that has no row."""
    places = {(session, row.seq) for session, rows in evidence.rows.items() for row in rows}
    yield from (place for place in evidence.written if place not in places)


def _rows_wrong(evidence: Evidence) -> Iterator[tuple[str, int]]:
    """Yield places whose row is not what was written there; also rows of writers who know nothing of it."""
    for session, rows in evidence.rows.items():
        for row in rows:
            written = evidence.written.get((session, row.seq))
            if row.number != (written.number if written else ""):
                yield session, row.seq
