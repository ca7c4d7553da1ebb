"""The life of a run: begin, do each job, end. What is due is decided here, once an hour.

A run is begun by an insert that the database refuses if its slot was run before or if a run is under way,
so two schedulers never run the same hour and two runs are never at work at once.
"""

import logging
import os
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.utils import timezone

from agents_app import admission, process_groups, tallies
from agents_app.maintenance.registry import Job, JobError, jobs
from agents_app.maintenance.statistics import PREFIX, run_payload
from agents_app.models import MaintenanceRun
from sessions_app.errors import Refusal
from sessions_app.events import announce_staff
from sessions_app.payloads import JobOutcome

logger = logging.getLogger(__name__)

DEEP_HOUR = 2
DEEP_EVERY = timedelta(hours=24)
RUN_TIMEOUT = timedelta(hours=1)
TAKE_TIMEOUT = timedelta(minutes=10)
SEND_AGAIN_AFTER = timedelta(seconds=15)
PROCESS_DIED = "The process that ran it died."
TOO_LONG = "It was not over after an hour."
NOT_TAKEN = "No worker took it within 10 minutes."
Kind, State = MaintenanceRun.Kind, MaintenanceRun.State


def tick(now: datetime | None = None) -> MaintenanceRun | None:
    """Run what is due this hour; None if this hour was run already or a run is under way."""
    now = now or timezone.now()
    tend(now)
    deep = deep_is_due(now)
    kind = Kind.DEEP if deep else Kind.HOURLY
    run = _insert(kind=kind, deep=deep, slot=f"{now:%Y-%m-%dT%H}", started_at=now, **_this_process())
    return None if run is None else _execute(run)


def deep_is_due(now: datetime) -> bool:
    """Whether this hour's run is a deep one: at 02:00 UTC, or when the last one is over 24 h old.

    One that did not get to its end does not count.
    """
    whole = MaintenanceRun.objects.filter(deep=True).exclude(error__in=[PROCESS_DIED, TOO_LONG, NOT_TAKEN])
    return now.hour == DEEP_HOUR or not whole.filter(started_at__gt=now - DEEP_EVERY).exists()


def request(*, deep: bool, requested_by: Any, key: str = "") -> MaintenanceRun:
    """Ask a worker for a run now; the same `key` of the same user again returns the first.

    Raises `Refusal` (`maintenance_running`, 409).
    """
    tend(timezone.now())
    slot = f"forced {requested_by.pk} {key or uuid.uuid4()}"
    earlier = MaintenanceRun.objects.filter(slot=slot).first()
    if earlier is not None:
        return earlier
    now = timezone.now()
    run = _insert(
        kind=Kind.FORCED, deep=deep, slot=slot, started_at=now, sent_at=now, requested_by=requested_by
    )
    if run is None:
        raise _running()
    transaction.on_commit(lambda: _send(run))
    return run


def force(*, deep: bool, tell: Callable[[str, JobOutcome], None]) -> MaintenanceRun:
    """Run now in this process and tell each job's outcome. Raises `Refusal` (`maintenance_running`)."""
    now = timezone.now()
    tend(now)
    slot = f"forced {uuid.uuid4()}"
    run = _insert(kind=Kind.FORCED, deep=deep, slot=slot, started_at=now, **_this_process())
    if run is None:
        raise _running()
    return _execute(run, tell)


def work_on(run_id: UUID) -> MaintenanceRun | None:
    """Take a run that was asked for and do it; None if somebody else has it or it is over."""
    waiting = MaintenanceRun.objects.filter(pk=run_id, state=State.RUNNING, pid=None)
    with transaction.atomic():
        if not waiting.update(**_this_process()):
            return None
    return _execute(MaintenanceRun.objects.get(pk=run_id))


def tend(now: datetime | None = None) -> None:
    """Fail a run whose process died; send the message of one that nobody took again."""
    now = now or timezone.now()
    for run in MaintenanceRun.objects.filter(state=State.RUNNING):
        reason = _why_over(run, now)
        if reason:
            _end(run, State.FAILED, reason)
        elif run.pid is None and (run.sent_at is None or now - run.sent_at > SEND_AGAIN_AFTER):
            with transaction.atomic():
                MaintenanceRun.objects.filter(pk=run.pk).update(sent_at=now)
            _send(run)


def _why_over(run: MaintenanceRun, now: datetime) -> str:
    """Return why a run cannot be going on any more; empty if it can. Other hosts are judged by time only."""
    age = now - run.started_at
    if run.pid is None:
        return NOT_TAKEN if age > TAKE_TIMEOUT else ""
    if run.host == settings.HOST_ID and process_groups.start_ticks(run.pid) != run.started_ticks:
        return PROCESS_DIED
    return TOO_LONG if age > RUN_TIMEOUT else ""


def _insert(**values: Any) -> MaintenanceRun | None:
    try:
        with transaction.atomic():
            return MaintenanceRun.objects.create(**values)
    except IntegrityError:
        return None


def _execute(run: MaintenanceRun, tell: Callable[[str, JobOutcome], None] | None = None) -> MaintenanceRun:
    """Do every job; stop early if the run was declared over meanwhile."""
    announce_staff("maintenance.started", run_payload(run))
    for job in jobs(deep=run.deep):
        outcome, counts = _do(job)
        logger.info("maintenance %s: %s", job.name, outcome["line"])
        if tell is not None:
            tell(job.name, outcome)
        if not _store(run, job, outcome, counts):
            break
    else:
        run.refresh_from_db()
        failures = [
            f"{name}: {outcome['line']}"
            for name, outcome in run_payload(run)["results"].items()
            if outcome["failed"]
        ]
        _end(run, State.FAILED if failures else State.SUCCEEDED, "; ".join(failures))
    run.refresh_from_db()
    return run


def _do(job: Job) -> tuple[JobOutcome, dict[str, int]]:
    """Run one job; whatever it raises is its own failure."""
    began = time.monotonic()
    try:
        result = job.run()
        line, counts, failed = result.line, dict(result.counts), False
    except Exception as error:  # one job that fails never stops the others
        logger.exception("the maintenance job %s failed", job.name)
        _mend_connection()
        line = str(error) if isinstance(error, JobError) else f"{type(error).__name__}: {error}"
        counts, failed = dict(getattr(error, "counts", {})), True
    milliseconds = round((time.monotonic() - began) * 1000)
    return {"line": line[:500], "counts": counts, "failed": failed, "duration_ms": milliseconds}, counts


def _mend_connection() -> None:
    """Drop a connection that the job broke, so that the next one gets a whole one."""
    if not connection.in_atomic_block:
        close_old_connections()


def _store(run: MaintenanceRun, job: Job, outcome: JobOutcome, counts: dict[str, int]) -> bool:
    """Keep a job's outcome, and add its counts to the totals; False if the run is over already."""
    with transaction.atomic():
        row = MaintenanceRun.objects.select_for_update(no_key=True).filter(pk=run.pk, state=State.RUNNING)
        current = row.first()
        # The work is done either way, so it counts either way.
        tallies.add({f"{PREFIX}{name}": count for name, count in counts.items() if count})
        if current is not None:
            row.update(results={**current.results, job.name: outcome})
    return current is not None


def _end(run: MaintenanceRun, state: MaintenanceRun.State, error: str) -> None:
    with transaction.atomic():
        mine = MaintenanceRun.objects.filter(pk=run.pk, state=State.RUNNING)
        moved = mine.update(state=state, error=error, finished_at=timezone.now())
        if moved:
            tallies.add({f"{PREFIX}cleanup_count": 1})
    if moved:
        run.refresh_from_db()
        kind = "maintenance.completed" if state == State.SUCCEEDED else "maintenance.failed"
        announce_staff(kind, run_payload(run))


def _send(run: MaintenanceRun) -> None:
    admission.send_task("agents_app.tasks.run_requested_maintenance", "maintenance", str(run.pk))


def _running() -> Refusal:
    return Refusal(
        "maintenance_running", "A maintenance run is under way.", status=409, retry_after_seconds=30
    )


def _this_process() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": settings.HOST_ID, "pid": pid, "started_ticks": process_groups.start_ticks(pid) or 0}
