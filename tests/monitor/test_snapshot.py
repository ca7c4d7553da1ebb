"""What the monitor says of a house that is whole, and of one with a dead part."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from agents_app import gateway, monitor, pool
from agents_app.models import Pool, Subagent, Worker
from agents_app.outcome import Outcome
from sessions_app.models import ChatSession
from tests.agents import work
from tests.environment import free_port


def _failed(session: ChatSession) -> None:
    error = {"code": "no_luck", "message": "<b>It failed.</b>"}
    pool.finish(work.running(session), Outcome(state=Subagent.State.FAILED, error=error))


def test_with_every_part_up_all_is_ok(everything_up: None) -> None:
    parts = monitor.components()
    assert set(parts) == {"database", "redis", *Worker.Kind.values, "pools", "mcp"}
    assert {part["status"] for part in parts.values()} == {"ok"}
    assert monitor.overall(parts) == "ok"
    assert parts["database"]["figures"]["latency_ms"] > 0
    assert parts["redis"]["figures"]["latency_ms"] > 0
    assert parts["redis"]["figures"]["memory_bytes"] > 100_000
    assert parts["agents"]["figures"] == {"alive": 6}


@pytest.mark.parametrize("kind", Worker.Kind.values)
def test_a_kind_of_process_without_a_living_one_is_unavailable(
    everything_up: None, kill: Callable[[str], int], kind: str
) -> None:
    kill(kind)
    parts = monitor.components()
    assert parts[kind]["status"] == "unavailable"
    assert parts[kind]["reason"] == f"No {kind} process is alive."
    assert monitor.overall(parts) == "unavailable"


def test_a_broker_that_is_away_is_unavailable_and_the_rest_is_not(everything_up: None, settings: Any) -> None:
    settings.REDIS_URL = f"redis://user:secret@127.0.0.1:{free_port()}/0"
    parts = monitor.components()
    assert (parts["redis"]["status"], parts["redis"]["reason"]) == ("unavailable", "ConnectionError")
    assert [name for name, part in parts.items() if part["status"] != "ok"] == ["redis"]


def test_a_database_that_is_away_is_unavailable_and_nothing_else_is_claimed(
    everything_up: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("could not connect to 10.0.0.1 as mcpchat")

    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", away)
    snapshot = monitor.snapshot()
    assert snapshot["status"] == "unavailable"
    assert snapshot["components"]["database"]["reason"] == "OperationalError"
    assert snapshot["components"]["agents"]["reason"] == "Not known: the database does not answer."
    assert snapshot["components"]["redis"]["status"] == "ok"
    assert (snapshot["pools"], snapshot["workers"], snapshot["maintenance"]) == ([], [], None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"paused": True}, "tools is paused."),
        ({"cap": 9}, "tools has workers for 6 of 9."),
        ({"queue_limit": 0}, "tools takes no more: 0 wait."),
    ],
)
def test_a_pool_that_cannot_do_what_it_should_is_degraded(
    everything_up: None, change: dict[str, Any], reason: str
) -> None:
    Pool.objects.filter(pk="tools").update(**change)
    parts = monitor.components()
    assert parts["pools"]["status"] == "degraded"
    assert parts["pools"]["reason"] == reason
    assert monitor.overall(parts) == "degraded"


def test_the_snapshot_shows_who_works_who_waits_and_what_failed(
    everything_up: None, session: ChatSession
) -> None:
    _failed(session)
    running = work.running(session)
    gateway.change_pool("tools", {"cap": 1})
    waiting = [work.queue(session, title=f"waiting {number}") for number in range(3)]
    snapshot = monitor.snapshot()
    tools = next(row for row in snapshot["pools"] if row["name"] == "tools")
    assert [row["subagent_id"] for row in tools["workers"]] == [str(running.pk)]
    assert tools["workers"][0]["duration_ms"] >= 0
    queue = snapshot["queues"]["tools"]
    assert [(row["position"], row["subagent_id"]) for row in queue] == [
        (number, str(row.pk)) for number, row in enumerate(waiting, start=1)
    ]
    assert snapshot["queues"]["exports"] == []
    failure = snapshot["recent_failures"][0]
    assert (failure["code"], failure["owner"], failure["pool"]) == ("no_luck", "ann", "tools")
    assert len(snapshot["workers"]) == 9


def test_pool_counts_leave_out_what_has_ended(everything_up: None, session: ChatSession) -> None:
    _failed(session)
    work.running(session)
    gateway.change_pool("tools", {"cap": 1})
    work.queue(session)
    tools = next(row for row in monitor.pool_counts() if row["pool"] == "tools")
    assert (tools["running"], tools["admitted"], tools["queued"]) == (1, 0, 1)
    assert (tools["cap"], tools["capacity"]) == (1, 1)
