"""The metrics, read back with Prometheus's own parser."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents_app import gateway, maintenance, metrics, pool
from agents_app.models import Subagent, Turn
from agents_app.outcome import Outcome
from sessions_app import lifecycle
from sessions_app.models import ChatSession
from tests.agents import work
from tests.environment import free_port


def _read() -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels, in the order of the labels."""
    samples = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            samples[(sample.name, *(sample.labels[label] for label in sorted(sample.labels)))] = sample.value
    return samples


def test_the_text_is_whole_and_each_metric_is_explained(everything_up: None) -> None:
    families = list(text_string_to_metric_families(metrics.text().decode()))
    assert len(families) >= 15
    assert all(family.documentation and family.type in ("gauge", "counter") for family in families)
    assert all(family.name.startswith("mcpchat_") for family in families)


def test_gauges_show_pools_and_workers(everything_up: None, session: ChatSession) -> None:
    work.running(session)
    gateway.change_pool("tools", {"cap": 1})
    work.queue(session)
    samples = _read()
    assert samples["mcpchat_pool_cap", "tools"] == 1
    assert samples["mcpchat_pool_cap", "exports"] == 2
    assert samples["mcpchat_pool_running", "tools"] == 1
    assert samples["mcpchat_pool_queued", "tools"] == 1
    assert samples["mcpchat_pool_oldest_queued_seconds", "tools"] > 0
    assert samples["mcpchat_pool_oldest_queued_seconds", "exports"] == 0
    assert samples["mcpchat_workers_alive", "agents"] == 6
    assert samples["mcpchat_component_status", "redis", "ok"] == 1
    assert samples["mcpchat_component_status", "redis", "unavailable"] == 0
    assert samples["mcpchat_redis_memory_bytes",] > 100_000


def test_a_dead_part_shows_in_its_status(everything_up: None, settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    samples = _read()
    assert samples["mcpchat_component_status", "redis", "unavailable"] == 1
    assert ("mcpchat_redis_memory_bytes",) not in samples
    assert samples["mcpchat_pool_cap", "tools"] == 3


def test_counters_of_ended_work_survive_the_purge_of_its_session(
    everything_up: None, session: ChatSession
) -> None:
    work.succeed(work.admitted(session))
    error = {"code": "no_luck", "message": "It failed."}
    pool.finish(work.running(session), Outcome(state=Subagent.State.FAILED, error=error))
    Turn.objects.filter(session=session).update(state="completed")
    turns = session.turns.count()
    names: list[tuple[str, ...]] = [
        ("mcpchat_subagents_finished_total", "tools", "succeeded"),
        ("mcpchat_subagents_finished_total", "tools", "failed"),
        ("mcpchat_turns_finished_total", "completed"),
    ]
    before = _read()
    assert [before[name] for name in names] == [1, 1, turns]
    lifecycle.delete(session.pk)
    maintenance.purge_deleted_sessions()
    assert not ChatSession.objects.filter(pk=session.pk).exists()
    after = _read()
    assert [after[name] for name in names] == [1, 1, turns]


def test_durations_of_the_last_hour_are_cumulative_buckets(everything_up: None, session: ChatSession) -> None:
    for seconds in (0.2, 3, 45, 4000):
        subagent = work.admitted(session)
        work.succeed(subagent)
        ended = work.fresh(subagent)
        assert ended.finished_at is not None
        started = ended.finished_at - timedelta(seconds=seconds)
        Subagent.objects.filter(pk=subagent.pk).update(started_at=started)
    samples = _read()
    counts = [
        samples["mcpchat_subagents_last_hour", bound, "tools"] for bound in ("0.5", "5", "60", "600", "+Inf")
    ]
    assert counts == [1, 2, 3, 3, 4]


def test_maintenance_shows_its_counters(db: None) -> None:
    assert ("mcpchat_maintenance_last_timestamp_seconds",) not in _read()
    maintenance.force(deep=False, tell=lambda *_: None)
    samples = _read()
    assert samples["mcpchat_maintenance_cleanup_count_total",] == 1
    assert samples["mcpchat_maintenance_last_timestamp_seconds",] > 1_700_000_000


@pytest.mark.usefixtures("everything_up")
def test_a_scrape_asks_the_database_a_bounded_number_of_times(
    session: ChatSession, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        work.queue(session)
    with django_assert_max_num_queries(40):
        metrics.text()
