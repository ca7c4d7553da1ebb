"""How long a plain follower heard nothing new after each kill, and how late events are in general."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from tests.chaos.evidence import Kill
from tests.chaos_feed.evidence import PLAIN, Evidence, Journal


def gaps(evidence: Evidence) -> dict[str, list[float]]:
    """Return by what was killed, for each kill, the seconds of the longest silence of any plain follower.

    A silence lasts from the kill to the arrival of the first event that was committed after it.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for kill in evidence.kills:
        silences = [silence for journal in _plain(evidence) for silence in _silence(evidence, journal, kill)]
        if silences:
            found[kill.what].append(max(silences))
    return dict(found)


def lateness(evidence: Evidence) -> list[float]:
    """Return the seconds from commit to arrival of each event at each plain follower."""
    return list(chain.from_iterable(_lateness(evidence, journal) for journal in _plain(evidence)))


def _plain(evidence: Evidence) -> list[Journal]:
    return [journal for journal in evidence.journals if journal.kind == PLAIN]


def _silence(evidence: Evidence, journal: Journal, kill: Kill) -> Iterator[float]:
    first = bisect_right(journal.deliveries, kill.at, key=lambda delivery: delivery.at)
    for delivery in journal.deliveries[first:]:
        written = evidence.written.get((journal.session, delivery.seq))
        if written is not None and written.at > kill.at:
            yield delivery.at - kill.at
            return


def _lateness(evidence: Evidence, journal: Journal) -> Iterator[float]:
    for delivery in journal.deliveries:
        written = evidence.written.get((journal.session, delivery.seq))
        if written is not None:
            yield max(delivery.at - written.at, 0.0)
