"""The feed against stock Channels and against a bare ASGI application, one uvicorn process each.

How long an event takes to 1, 100 and 1,000 clients, how many deliveries a second go through, what they cost,
what is lost; how much memory sockets take, and a reader that never reads.

All three stand the whole time and are measured in turn in each round. BENCH_ROUNDS=1 is for a quick look.
"""

import os
from contextlib import ExitStack

from benchmarks.fanout.crew import Crew
from benchmarks.fanout.figures import SERVERS, Results, show, show_memory, show_slow_reader, show_wrongs
from benchmarks.fanout.servers import Server, allow_many_files
from benchmarks.fanout.slow_reader import slow_reader

COUNTS = (1, 100, 1000)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
# Events and the least seconds between them, by the number of clients.
PACES = {1: (70, 0.04), 100: (60, 0.04), 1000: (20, 0.15)}
STOCK_PACES = PACES | {1000: (8, 0.4)}


def main(database: str) -> None:
    """Measure and print."""
    allow_many_files()
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(name)) for name in SERVERS]
        all_results = [_measure(servers, count) for count in COUNTS]
    show_memory(COUNTS[-1], all_results[-1])
    show_slow_reader(slow_reader())
    show_wrongs(all_results)


def _measure(servers: list[Server], count: int) -> Results:
    results = Results()
    with ExitStack() as stack:
        crews = [_open(stack, server, count, results) for server in servers]
        for crew in crews:
            crew.warm_up()
        for _ in range(ROUNDS):
            _round(crews, count, results)
    show(count, results)
    return results


def _open(stack: ExitStack, server: Server, count: int, results: Results) -> Crew:
    results.rss_before[server.name] = server.rss_megabytes()
    crew = stack.enter_context(Crew(server, count))
    results.rss[server.name] = server.rss_megabytes()
    return crew


def _round(crews: list[Crew], count: int, results: Results) -> None:
    for crew in crews:
        paces = STOCK_PACES if crew.server.name == "stock" else PACES
        results.paced[crew.server.name].append(crew.paced(*paces[count]))
    for crew in crews:
        results.bursts[crew.server.name].append(crew.burst())
