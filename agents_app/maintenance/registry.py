"""The maintenance jobs: a job is one short function in one file under `agents_app/maintenance/jobs/`.

@job(name="old_drafts", deep=True)
def remove_old_drafts() -> JobResult:
    removed = ...
    return JobResult(line=f"{removed} drafts removed", counts={"temp_files_deleted": removed})
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a job did: a line for people, and counts that are added to the cumulative statistics."""

    line: str
    counts: Mapping[str, int] = field(default_factory=dict)


class JobError(Exception):
    """A job that could do a part only; `counts` is what it did all the same."""

    def __init__(self, message: str, counts: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.counts = counts or {}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A declared job; deep ones run once a day."""

    name: str
    run: Callable[[], JobResult]
    deep: bool


JOBS: dict[str, Job] = {}

RunJob = Callable[[], JobResult]


def job(*, name: str, deep: bool = False) -> Callable[[RunJob], RunJob]:
    """Declare a function as a job. It may run at any time and more than once, and must then do no harm.

    Raises `ImproperlyConfigured` for a name that is taken or is not a lower-case word.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ImproperlyConfigured(f"The maintenance job's name {name!r} is not a lower-case word.")
    if name in JOBS:
        raise ImproperlyConfigured(f"There are two maintenance jobs named {name!r}.")

    def declare(run: RunJob) -> RunJob:
        JOBS[name] = Job(name=name, run=run, deep=deep)
        return run

    return declare


def jobs(*, deep: bool) -> list[Job]:
    """Return the jobs of a run in the order of their names: all of them for a deep one."""
    return [JOBS[name] for name in sorted(JOBS) if deep or not JOBS[name].deep]
