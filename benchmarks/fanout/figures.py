"""What is printed of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.fanout import slow_reader
from benchmarks.fanout.crew import Phase
from benchmarks.fanout.heard import Heard
from benchmarks.report import figure, median, ratios

SERVERS = ("ours", "stock", "bare")
P50_GOALS = {1: "<=1.3", 100: "<=1.3", 1000: "<=1.4"}
DELIVERIES_GOALS = {100: ">=10"}
WRONGS = ("lost", "doubled", "reordered", "closed")


@dataclass
class Results:
    """All rounds with one number of clients, by the name of the server."""

    paced: dict[str, list[Phase]] = field(default_factory=lambda: {name: [] for name in SERVERS})
    bursts: dict[str, list[Phase]] = field(default_factory=lambda: {name: [] for name in SERVERS})
    rss_before: dict[str, float] = field(default_factory=dict)
    rss: dict[str, float] = field(default_factory=dict)

    def heard(self, server: str) -> list[Heard]:
        """Return what was heard in all phases."""
        return [phase.heard for phase in (*self.paced[server], *self.bursts[server])]


def show(count: int, results: Results) -> None:
    """Print the figures with `count` clients."""
    p50 = _medians(f"p50_ms_at_{count}", results.paced, lambda phase: phase.heard.p50_ms)
    figure("feed", f"p50_ratio_at_{count}", ratios(p50["ours"], p50["bare"]), P50_GOALS[count])
    _medians(f"p99_ms_at_{count}", results.paced, lambda phase: phase.heard.p99_ms)
    rates = _medians(
        f"deliveries_a_second_at_{count}", results.bursts, lambda phase: phase.deliveries_a_second
    )
    for name, other, goal in (
        ("deliveries_ratio", "stock", DELIVERIES_GOALS.get(count, "")),
        ("deliveries_bare_ratio", "bare", ""),
    ):
        figure("feed", f"{name}_at_{count}", ratios(rates["ours"], rates[other]), goal)
    _medians(f"cpu_us_a_delivery_at_{count}", results.bursts, lambda phase: phase.cpu_us_a_delivery)
    _medians(f"paced_cpu_us_a_delivery_at_{count}", results.paced, lambda phase: phase.cpu_us_a_delivery)


def show_memory(count: int, results: Results) -> None:
    """Print what the open sockets took."""
    for name in SERVERS:
        figure("feed", f"{_prefix(name)}rss_mb_at_{count}", results.rss[name])
        taken = (results.rss[name] - results.rss_before[name]) * 1024 / count
        figure("feed", f"{_prefix(name)}rss_kb_a_socket", taken)


def show_wrongs(all_results: Sequence[Results]) -> None:
    """Print what went wrong, over everything that was published."""
    for name in SERVERS:
        heard = [heard for results in all_results for heard in results.heard(name)]
        figure("feed", f"{_prefix(name)}deliveries", sum(phase.deliveries for phase in heard))
        for wrong in WRONGS:
            goal = "<=0" if name == "ours" else ""
            figure("feed", f"{_prefix(name)}{wrong}", sum(getattr(phase, wrong) for phase in heard), goal)


def show_slow_reader(cost: slow_reader.Cost) -> None:
    """Print what a reader that never reads cost."""
    figure("feed", "slow_reader_burst_mb", slow_reader.MEGABYTES)
    figure("feed", "slow_reader_closed_with", cost.close_code)
    figure("feed", "slow_reader_rss_mb_before", cost.before)
    figure("feed", "slow_reader_rss_mb_peak", cost.peak)
    figure("feed", "slow_reader_rss_mb_after", cost.after)
    figure("feed", "slow_reader_growth_mb", cost.peak - cost.before)
    figure("feed", "slow_reader_others_lost", cost.others_lost, "<=0")


def _medians(
    name: str, rounds: Mapping[str, Sequence[Any]], value: Callable[[Any], float]
) -> dict[str, list[float]]:
    """Print the median of each server's rounds and return the values of all rounds."""
    values = {server: [value(one) for one in rounds[server]] for server in SERVERS}
    for server in SERVERS:
        figure("feed", f"{_prefix(server)}{name}", median(values[server]))
    return values


def _prefix(server: str) -> str:
    return "" if server == "ours" else f"{server}_"
