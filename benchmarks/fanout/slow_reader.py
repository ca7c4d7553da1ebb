"""One reader that never reads while many megabytes go to its session: what that costs the server."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.fanout.crew import Crew
from benchmarks.fanout.servers import Server
from benchmarks.fanout.swarm import Swarm

EVENT_BYTES = 16_000
PORTION_EVENTS = 32
PORTIONS = 160
MEGABYTES = PORTIONS * PORTION_EVENTS * EVENT_BYTES / 2**20
CLOSE_SECONDS = 30.0
SAMPLE_SECONDS = 0.005
SETTLE_SECONDS = 1.0


@dataclass
class Cost:
    """Megabytes that the server had, and how others and the slow reader fared."""

    before: float
    peak: float = 0.0
    after: float = 0.0
    close_code: int = 0
    others_lost: int = 0


def slow_reader() -> Cost:
    """Measure on a server of its own. Another reader, that does read, paces the burst.

    Unpaced the burst would be more than Valkey keeps for the server itself: it would end its subscription.
    """
    with Server("ours") as server, Crew(server, 1) as crew, Swarm(crew.door, 1) as stalled:
        # What the server allocates once for large events is no cost of the reader.
        _portion(crew)
        _portion(crew)
        stalled.stop_reading()
        cost = Cost(before=server.rss_megabytes())
        with _peak_of(server, cost):
            cost.others_lost = sum(_portion(crew) for _ in range(PORTIONS))
        cost.close_code = stalled.read_to_the_end(CLOSE_SECONDS)
        time.sleep(SETTLE_SECONDS)
        cost.after = server.rss_megabytes()
    return cost


def _portion(crew: Crew) -> int:
    return crew.burst(PORTION_EVENTS, "x" * EVENT_BYTES).heard.lost


@contextmanager
def _peak_of(server: Server, cost: Cost) -> Iterator[None]:
    """Note the most memory that the server has meanwhile."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_SECONDS):
            cost.peak = max(cost.peak, server.rss_megabytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
