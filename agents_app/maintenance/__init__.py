"""The maintenance agent: clean-up each hour, a deep clean each day, on demand at any time."""

from agents_app.maintenance.jobs.deleted_sessions import purge_deleted_sessions, when_purging
from agents_app.maintenance.runs import force, request, tend, tick, work_on
from agents_app.maintenance.statistics import recent_runs, run_payload, statistics

__all__ = [
    "force",
    "purge_deleted_sessions",
    "recent_runs",
    "request",
    "run_payload",
    "statistics",
    "tend",
    "tick",
    "when_purging",
    "work_on",
]
