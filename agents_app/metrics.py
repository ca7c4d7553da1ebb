"""Prometheus metrics, read from the database and the broker at each scrape: right whichever of the web
processes is asked, and nothing to add up in memory.

The counters count rows; what maintenance deletes is kept in tallies by the same transaction, and both are
read by one statement, so they never fall.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import CharField, Count, DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents_app import maintenance, monitor, usage
from agents_app.mcp_servers import health as mcp_health
from agents_app.models import Subagent, Tally, Turn, Worker

BUCKETS_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
FINAL_SUBAGENTS = ("succeeded", "failed", "cancelled")
FINAL_TURNS = ("completed", "failed", "cancelled")


def text() -> bytes:
    """Return the metrics in Prometheus's text format; with the database away only the health."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_House())
    return generate_latest(registry)


class _House(Collector):
    """Collects everything anew each time."""

    def describe(self) -> Iterable[Metric]:
        """Describe nothing beforehand: to register must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        parts = monitor.components()
        yield from _health(parts)
        if parts["database"]["status"] == monitor.UNAVAILABLE:
            return
        now = timezone.now()
        yield from _pools(now)
        yield _workers(now)
        yield _mcp_servers()
        yield from _finished()
        yield from _durations(now)
        yield from _models()
        yield from _maintenance()


def _health(parts: dict[str, monitor.Component]) -> Iterator[Metric]:
    status = GaugeMetricFamily(
        "mcpchat_component_status", "1 for the state that a part is in.", labels=["component", "status"]
    )
    for name, part in parts.items():
        for state in (monitor.OK, monitor.DEGRADED, monitor.UNAVAILABLE):
            status.add_metric([name, state], part["status"] == state)
    yield status
    for name in ("database", "redis"):
        latency = parts[name]["figures"].get("latency_ms")
        if latency is not None:
            yield GaugeMetricFamily(
                f"mcpchat_{name}_latency_seconds", "Time of a round trip.", value=latency / 1000
            )
    memory = parts["redis"]["figures"].get("memory_bytes")
    if memory is not None:
        yield GaugeMetricFamily("mcpchat_redis_memory_bytes", "Memory that the broker uses.", value=memory)


def _pools(now: datetime) -> Iterator[Metric]:
    rows, oldest = monitor.pool_counts(), monitor.oldest_queued(now)
    texts = {
        "cap": "Most subagents at once, as set.",
        "capacity": "Most subagents at once that living workers can carry.",
        "running": "Subagents at work.",
        "admitted": "Subagents with a slot that have not started.",
        "queued": "Subagents that wait for a slot.",
        "paused": "1 while the pool admits nothing.",
    }
    values = [(row["pool"], dict(row)) for row in rows]
    for field, explanation in texts.items():
        gauge = GaugeMetricFamily(f"mcpchat_pool_{field}", explanation, labels=["pool"])
        for name, row in values:
            gauge.add_metric([name], float(row[field]))  # type: ignore[arg-type]  # numbers, all of them
        yield gauge
    age = GaugeMetricFamily(
        "mcpchat_pool_oldest_queued_seconds", "How long the longest waiting subagent waits.", labels=["pool"]
    )
    for name, seconds in oldest.items():
        age.add_metric([name], seconds)
    yield age


def _workers(now: datetime) -> Metric:
    alive = dict(Worker.objects.alive(now).order_by().values_list("kind").annotate(Count("pk")))
    gauge = GaugeMetricFamily("mcpchat_workers_alive", "Processes that are alive.", labels=["kind"])
    for kind in Worker.Kind.values:
        gauge.add_metric([kind], alive.get(kind, 0))
    return gauge


def _mcp_servers() -> Metric:
    gauge = GaugeMetricFamily("mcpchat_mcp_servers", "MCP servers that are switched on.", labels=["health"])
    for name, count in mcp_health.counts().items():
        gauge.add_metric([name], count)
    return gauge


def _finished() -> Iterator[Metric]:
    totals = _totals()
    subagents = CounterMetricFamily(
        "mcpchat_subagents_finished", "Subagents that ended.", labels=["pool", "state"]
    )
    for name in sorted({*_pool_names(totals), *(row["pool"] for row in monitor.pool_counts())}):
        for state in FINAL_SUBAGENTS:
            subagents.add_metric([name, state], totals[f"subagents_finished/{name}/{state}"])
    yield subagents
    turns = CounterMetricFamily("mcpchat_turns_finished", "Turns that ended.", labels=["state"])
    for state in FINAL_TURNS:
        turns.add_metric([state], totals[f"turns_finished/{state}"])
    yield turns


def _models() -> Iterator[Metric]:
    totals = usage.totals()
    explanations = {
        "requests": "Requests to models.",
        "unpriced_requests": "Requests to models whose price is not known.",
        "input_tokens": "Tokens sent to models, those from a cache included.",
        "output_tokens": "Tokens that models wrote.",
        "cache_read_tokens": "Tokens that providers read from their cache.",
        "cache_write_tokens": "Tokens that providers wrote to their cache.",
    }
    for name, explanation in explanations.items():
        counter = CounterMetricFamily(f"mcpchat_model_{name}", explanation, labels=["model"])
        for model, value in sorted(totals[name].items()):
            counter.add_metric([model], value)
        yield counter
    cost = CounterMetricFamily(
        "mcpchat_model_cost_usd", "What models cost, by published prices.", labels=["model"]
    )
    for model, value in sorted(totals["nanodollars"].items()):
        cost.add_metric([model], value / 1e9)
    yield cost


def _totals() -> Counter[str]:
    """Return rows and tallies added up, by the tally's name; one statement reads all of them."""
    name = Concat(Value("subagents_finished/"), "pool_id", Value("/"), "state", output_field=CharField())
    subagents = Subagent.objects.filter(state__in=FINAL_SUBAGENTS).order_by()
    turn_name = Concat(Value("turns_finished/"), "state", output_field=CharField())
    turns = Turn.objects.filter(state__in=FINAL_TURNS).order_by()
    tallies = Tally.objects.filter(Q(name__startswith="subagents_") | Q(name__startswith="turns_")).order_by()
    rows = (
        subagents.annotate(label=name).values_list("label").annotate(Count("pk"))
        .union(
            turns.annotate(label=turn_name).values_list("label").annotate(Count("pk")),
            tallies.annotate(label=Concat(F("name"), Value(""))).values_list("label", "value"),
            all=True,
        )
    )  # fmt: skip
    totals: Counter[str] = Counter()
    for label, count in rows:
        totals[label] += count
    return totals


def _pool_names(totals: Counter[str]) -> set[str]:
    return {name.split("/")[1] for name in totals if name.startswith("subagents_finished/")}


def _durations(now: datetime) -> Iterator[Metric]:
    """Yield cumulative buckets as gauges: a sliding window is no Prometheus histogram, which only grows."""
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    ended = Subagent.objects.filter(finished_at__gt=now - timedelta(hours=1), started_at__isnull=False)
    buckets = {
        f"up_to_{number}": Count("pk", filter=Q(took__lte=timedelta(seconds=seconds)))
        for number, seconds in enumerate(BUCKETS_SECONDS)
    }
    rows = (
        ended.order_by()
        .annotate(took=took)
        .values("pool_id")
        .annotate(whole=Count("pk"), **buckets)
        .values_list("pool_id", "whole", *buckets)
    )
    gauge = GaugeMetricFamily(
        "mcpchat_subagents_last_hour",
        "Subagents that ended in the last hour and ran for at most this many seconds.",
        labels=["pool", "at_most_seconds"],
    )
    for name, whole, *counts in rows:
        for seconds, count in zip(BUCKETS_SECONDS, counts, strict=True):
            gauge.add_metric([name, f"{seconds:g}"], count)
        gauge.add_metric([name, "+Inf"], whole)
    yield gauge


def _maintenance() -> Iterator[Metric]:
    statistics = maintenance.statistics()
    for name, value in statistics.items():
        if isinstance(value, int):
            metric = CounterMetricFamily(
                f"mcpchat_maintenance_{name}", f"{name.replace('_', ' ').capitalize()} so far."
            )
            metric.add_metric([], value)
            yield metric
    last = statistics["last_cleanup"]
    if last is not None:
        seconds = datetime.fromisoformat(last).timestamp()
        yield GaugeMetricFamily(
            "mcpchat_maintenance_last_timestamp_seconds", "When the last run ended.", value=seconds
        )
