"""Watches from outside which work truly runs: `python -m tests.chaos.observer FOLDER`.

It knows only the lock files. A sample looks twice: what is locked at both looks was locked at the moment
between them, since an attempt takes its lock once; so work that ends while another begins never counts as
an overlap. It is the only one who removes lock files, and writes down until when each was held.
"""

import os
import sys
import time
from collections import Counter
from pathlib import Path

from tests.chaos import ledger
from tests.chaos.ledger import OBSERVATIONS, RUNNING, Running

SAMPLE_SECONDS = 0.02


class Observer:
    """Samples until its folder or its parent is gone."""

    def __init__(self, folder: Path) -> None:
        self._locks = folder / RUNNING
        self._notes = folder / OBSERVATIONS
        self._last_held: dict[str, float] = {}
        self._counts: Counter[str] = Counter()
        self._sampled_at = time.monotonic()
        self._longest_gap = 0.0
        self._samples = 0

    def run(self) -> None:
        """Sample for as long as the starter lives."""
        parent = os.getppid()
        while os.getppid() == parent and self._locks.exists():
            self.sample()
            time.sleep(SAMPLE_SECONDS)

    def sample(self) -> None:
        """Look, note what changed, and remove the files of work that is over."""
        names = os.listdir(self._locks)
        first = [name for name in names if ledger.is_held(self._locks / name)]
        moment = time.monotonic()
        held = [name for name in first if ledger.is_held(self._locks / name)]
        self._last_held |= dict.fromkeys(held, moment)
        self._count(held, moment)
        for name in set(names) - set(first):
            self._gone(name)

    def _count(self, held: list[str], moment: float) -> None:
        attempts = [Running.named(name) for name in held]
        counts = Counter(running.pool for running in attempts)
        self._samples += 1
        self._longest_gap = max(self._longest_gap, moment - self._sampled_at)
        self._sampled_at = moment
        twice = [name for name, times in Counter(one.subagent for one in attempts).items() if times > 1]
        if counts != self._counts or twice:
            pace = {"samples": self._samples, "longest_gap": self._longest_gap}
            record = {"what": "sample", "at": moment, "counts": counts, "twice": twice, **pace}
            ledger.append(self._notes, record)
        self._counts = counts

    def _gone(self, name: str) -> None:
        running = Running.named(name)
        who = {"subagent": running.subagent, "attempt": running.attempt, "pool": running.pool}
        ledger.append(self._notes, {"what": "gone", **who, "last_held": self._last_held.pop(name, None)})
        (self._locks / name).unlink()


if __name__ == "__main__":
    Observer(Path(sys.argv[1])).run()
