"""Empty subagents a second, from the first submit to the last end, against empty tasks of plain Celery on the
same broker with as many processes. Both are queued by this process while the workers work."""

import time
from collections.abc import Callable
from itertools import cycle

from agents_app import gateway
from agents_app.models import Pool
from benchmarks import ledger
from benchmarks.raw_celery import nothing
from benchmarks.report import figure, median, ratios
from benchmarks.stage import a_session, wait_for_workers, wait_until_idle

ROUNDS = 7
PIECES = 400
SESSIONS = 20


def main(database: str) -> None:
    """Measure and print."""
    Pool.objects.update(queue_limit=10 * PIECES)
    # Several, as work has: changes of one session wait for each other.
    sessions = cycle([a_session() for _ in range(SESSIONS)])
    wait_for_workers()
    kinds: dict[str, Callable[[], object]] = {
        "raw": nothing.delay,
        "ours": lambda: gateway.spawn(next(sessions).pk, "nothing", {}),
    }
    for begin in kinds.values():
        _rate(begin, PIECES // 4)
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, begin in kinds.items():
            rates[name].append(_rate(begin, PIECES))
    figure("throughput", f"{database}_subagents_a_second", median(rates["ours"]))
    figure("throughput", f"{database}_raw_tasks_a_second", median(rates["raw"]))
    figure("throughput", f"{database}_ratio", ratios(rates["ours"], rates["raw"]), ">=0.5")


def _rate(begin: Callable[[], object], pieces: int) -> float:
    """Return how many pieces a second went through."""
    count = len(ledger.moments())
    began = time.monotonic()
    for _ in range(pieces):
        begin()
    ledger.wait_for(count + pieces)
    wait_until_idle()
    return pieces / (time.monotonic() - began)
