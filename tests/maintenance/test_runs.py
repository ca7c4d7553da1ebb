"""Runs: what is due when, never twice, never two at once, and what is told of them."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from agents_app import maintenance, process_groups
from agents_app.maintenance import runs
from agents_app.maintenance.jobs import old_runs
from agents_app.maintenance.registry import JobError, JobResult
from agents_app.models import MaintenanceRun
from sessions_app.errors import Refusal
from tests.maintenance.conftest import Declare, Hear

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
State = MaintenanceRun.State


def _counting(name: str = "temp_files_deleted", amount: int = 2) -> Callable[[], JobResult]:
    return lambda: JobResult(line=f"{amount} done", counts={name: amount})


def _deep_run(started_at: datetime, **fields: Any) -> MaintenanceRun:
    values: dict[str, Any] = {"kind": "deep", "deep": True, "state": "succeeded", "finished_at": started_at}
    return MaintenanceRun.objects.create(started_at=started_at, slot=f"{started_at}", **values | fields)


@pytest.mark.parametrize(
    ("now", "last_deep", "kind"),
    [
        (MORNING, MORNING - timedelta(hours=7), "hourly"),
        (MORNING, MORNING - timedelta(hours=24, minutes=1), "deep"),
        (MORNING, None, "deep"),
        (MORNING.replace(hour=2), MORNING - timedelta(hours=9), "deep"),
        (MORNING.replace(hour=3), MORNING.replace(hour=2), "hourly"),
    ],
    ids=["hourly", "caught up", "never was one", "at two", "after two"],
)
def test_a_deep_clean_is_due_at_two_or_when_the_last_is_over_a_day_old(
    db: None, only: Declare, now: datetime, last_deep: datetime | None, kind: str
) -> None:
    if last_deep:
        _deep_run(last_deep)
    only("light", _counting())
    only("heavy", _counting(), deep=True)
    run = maintenance.tick(now)
    assert run is not None
    assert (run.kind, run.deep, run.state) == (kind, kind == "deep", "succeeded")
    assert set(run.results) == ({"light", "heavy"} if kind == "deep" else {"light"})


def test_a_deep_clean_whose_process_died_is_caught_up(db: None) -> None:
    _deep_run(MORNING - timedelta(hours=7), state="failed", error=runs.PROCESS_DIED)
    assert runs.deep_is_due(MORNING)


def test_the_same_hour_is_run_once(db: None, only: Declare) -> None:
    only("light", _counting())
    assert maintenance.tick(MORNING) is not None
    assert maintenance.tick(MORNING + timedelta(minutes=59)) is None
    assert maintenance.tick(MORNING + timedelta(hours=1)) is not None
    assert MaintenanceRun.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_the_same_moment_run_one_slot_once(
    only: Declare, together: Callable[..., list[Any]]
) -> None:
    calls: list[int] = []
    only("light", lambda: calls.append(1) or JobResult(line="done", counts={"temp_files_deleted": 1}))  # type: ignore[func-returns-value]
    results = together(*[lambda: maintenance.tick(MORNING)] * 4)
    assert sum(run is not None for run in results) == 1
    assert len(calls) == 1
    assert MaintenanceRun.objects.count() == 1
    assert maintenance.statistics()["temp_files_deleted"] == 1


@pytest.mark.django_db(transaction=True)
def test_while_a_run_is_at_work_no_other_begins(only: Declare, olga: Any) -> None:
    inside, go_on, now = threading.Event(), threading.Event(), timezone.now()

    def slow() -> JobResult:
        inside.set()
        assert go_on.wait(10)
        return JobResult(line="done")

    def work() -> None:
        try:
            maintenance.tick(now)
        finally:
            connection.close()

    only("slow", slow)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert inside.wait(10)
        with pytest.raises(Refusal) as refused:
            maintenance.request(deep=False, requested_by=olga)
        assert (refused.value.code, refused.value.status) == ("maintenance_running", 409)
        assert maintenance.tick(now + timedelta(minutes=59)) is None
    finally:
        go_on.set()
        thread.join(10)
    assert list(MaintenanceRun.objects.values_list("state", flat=True)) == ["succeeded"]


def test_a_job_that_fails_stops_no_other_and_fails_the_run_with_its_reason(
    db: None, only: Declare, staff_events: Hear
) -> None:
    def broken() -> JobResult:
        raise ValueError("no such thing")

    def half() -> JobResult:
        raise JobError("1 could not be removed", {"temp_files_deleted": 4})

    only("a_broken", broken)
    only("b_half", half)
    only("c_whole", _counting())
    run = maintenance.tick(MORNING)
    assert run is not None
    assert run.state == State.FAILED
    assert run.error == "a_broken: ValueError: no such thing; b_half: 1 could not be removed"
    assert {name for name, outcome in run.results.items() if outcome["failed"]} == {"a_broken", "b_half"}
    assert maintenance.statistics()["temp_files_deleted"] == 6
    assert [event["kind"] for event in staff_events()] == ["maintenance.started", "maintenance.failed"]


def test_a_run_is_told_to_staff(db: None, only: Declare, staff_events: Hear) -> None:
    only("light", _counting())
    run = maintenance.tick(MORNING)
    assert run is not None
    started, completed = staff_events()
    assert (started["kind"], started["payload"]["state"]) == ("maintenance.started", "running")
    assert (completed["kind"], completed["payload"]["state"]) == ("maintenance.completed", "succeeded")
    assert completed["payload"]["run_id"] == str(run.pk)
    assert completed["payload"]["results"]["light"]["line"] == "2 done"
    assert "seq" not in completed


def _running(**fields: Any) -> MaintenanceRun:
    values: dict[str, Any] = {"kind": "hourly", "slot": "earlier", "started_at": timezone.now()}
    return MaintenanceRun.objects.create(**values | fields)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"pid": 4_000_000, "started_ticks": 1}, runs.PROCESS_DIED),
        ({"pid": os.getpid(), "started_ticks": 1}, runs.PROCESS_DIED),
        ({"host": "elsewhere", "pid": 1, "hours": 2}, runs.TOO_LONG),
        ({"hours": 1}, runs.NOT_TAKEN),
    ],
    ids=["dead", "pid reused", "other host, too long", "nobody took it"],
)
def test_a_run_that_cannot_be_going_on_is_failed_and_blocks_no_more(
    db: None, only: Declare, settings: Any, fields: dict[str, Any], error: str
) -> None:
    hours = fields.pop("hours", 0)
    started = timezone.now() - timedelta(hours=hours)
    left = _running(**{"host": settings.HOST_ID, "started_at": started} | fields)
    only("light", _counting())
    assert maintenance.tick(timezone.now()) is not None
    left.refresh_from_db()
    assert (left.state, left.error) == (State.FAILED, error)


@pytest.mark.parametrize("host", ["here", "elsewhere"])
def test_a_run_that_may_be_going_on_blocks(db: None, settings: Any, host: str) -> None:
    here = {"host": settings.HOST_ID, "pid": os.getpid()}
    ticks = process_groups.start_ticks(os.getpid())
    fields: dict[str, Any] = here | {"started_ticks": ticks} if host == "here" else {"host": host, "pid": 1}
    _running(**fields)
    assert maintenance.tick(timezone.now()) is None


def test_a_run_that_was_declared_over_stops_at_its_next_job(db: None, only: Declare) -> None:
    done: list[str] = []

    def first() -> JobResult:
        MaintenanceRun.objects.update(state="failed", finished_at=timezone.now(), error=runs.TOO_LONG)
        return JobResult(line="done", counts={"temp_files_deleted": 1})

    only("a_first", first)
    only("b_second", lambda: done.append("second") or JobResult(line=""))  # type: ignore[func-returns-value]
    run = maintenance.tick(MORNING)
    assert run is not None
    assert (run.state, run.error, done) == ("failed", runs.TOO_LONG, [])


def test_what_was_asked_for_is_taken_once(db: None, only: Declare, olga: Any) -> None:
    only("light", _counting())
    run = maintenance.request(deep=True, requested_by=olga)
    assert (run.state, run.pid) == ("running", None)
    done = maintenance.work_on(run.pk)
    assert done is not None
    assert (done.state, done.deep, done.requested_by) == ("succeeded", True, olga)
    assert maintenance.work_on(run.pk) is None


def test_the_message_of_a_run_that_nobody_took_is_sent_again(
    db: None, olga: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(runs, "_send", lambda run: sent.append(str(run.pk)))
    run = maintenance.request(deep=False, requested_by=olga)
    now = timezone.now()
    maintenance.tend(now + timedelta(seconds=5))
    assert sent == []
    for seconds in (20, 25, 40):
        maintenance.tend(now + timedelta(seconds=seconds))
    assert sent == [str(run.pk)] * 2


def test_the_same_key_asks_once(db: None, olga: Any) -> None:
    first = maintenance.request(deep=False, requested_by=olga, key="k")
    assert maintenance.request(deep=False, requested_by=olga, key="k") == first


def test_statistics_outlive_the_runs(db: None, only: Declare, monkeypatch: pytest.MonkeyPatch) -> None:
    only("light", _counting("logs_rotated", 3))
    for hour in range(3):
        maintenance.tick(MORNING + timedelta(hours=hour))
    before = maintenance.statistics()
    assert (before["logs_rotated"], before["cleanup_count"]) == (9, 3)
    assert before["last_cleanup"] is not None
    monkeypatch.setattr(old_runs, "RUNS_KEPT", 1)
    old_runs.prune_old_runs()
    assert MaintenanceRun.objects.count() == 1
    assert maintenance.statistics() == before


def test_before_the_first_run_all_counts_are_zero(db: None) -> None:
    statistics = maintenance.statistics()
    assert statistics.pop("last_cleanup") is None  # type: ignore[misc]
    assert set(statistics.values()) == {0}
