"""From `gateway.spawn` to the first line of the work, one at a time on a quiet machine, against the same for
an empty task of plain Celery on the same broker (from `delay` to its first line)."""

import time
from collections.abc import Callable

from agents_app import gateway
from benchmarks import ledger
from benchmarks.raw_celery import nothing
from benchmarks.report import figure, median, percentile, ratios
from benchmarks.stage import a_session, wait_for_workers, wait_until_idle

ROUNDS = 7
PIECES = 150
SETTLE_SECONDS = 0.004


def main(database: str) -> None:
    """Measure and print."""
    session = a_session()
    wait_for_workers()
    begin_raw = nothing.delay

    def begin_ours() -> None:
        gateway.spawn(session.pk, "nothing", {})

    for begin in (begin_raw, begin_ours):
        _round(begin, 20)
    raw, ours = [], []
    for _ in range(ROUNDS):
        raw.append(_round(begin_raw, PIECES))
        ours.append(_round(begin_ours, PIECES))
    _print(database, raw, ours)


def _round(begin: Callable[[], object], pieces: int) -> list[float]:
    """Return the milliseconds from begin to start of each piece."""
    took = []
    for _ in range(pieces):
        count = len(ledger.moments())
        began = time.monotonic_ns()
        begin()
        took.append((ledger.wait_for(count + 1)[-1] - began) / 1e6)
        wait_until_idle()
        time.sleep(SETTLE_SECONDS)
    return took


def _print(database: str, raw: list[list[float]], ours: list[list[float]]) -> None:
    goals = {"sqlite": "<=1.3", "postgres": "<=1.8"}
    for percent, goal in ((50, goals[database]), (99, "<=3")):
        mine = [percentile(values, percent) for values in ours]
        theirs = [percentile(values, percent) for values in raw]
        figure("spawn", f"{database}_p{percent}_ms", median(mine))
        figure("spawn", f"{database}_raw_p{percent}_ms", median(theirs))
        figure("spawn", f"{database}_p{percent}_ratio", ratios(mine, theirs), goal)
