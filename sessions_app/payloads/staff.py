"""Payloads for staff, about the whole installation."""

from typing import Annotated, TypedDict

from sessions_app.payloads.forms import RUN_STATES, Id, OneOf, Time

Status = Annotated[str, OneOf("ok", "degraded", "unavailable")]


class JobOutcome(TypedDict):
    """What one maintenance job did."""

    line: Annotated[str, "for people, at most 500 characters"]
    counts: Annotated[dict[str, int], "what it did by name, such as `logs_rotated`"]
    failed: bool
    duration_ms: int


class MaintenanceRunPayload(TypedDict):
    """A run of the maintenance agent as it stands."""

    run_id: Id
    kind: Annotated[str, OneOf("hourly", "deep", "forced"), "`forced` was asked for by somebody"]
    deep: Annotated[bool, "whether the daily jobs run too"]
    state: Annotated[str, RUN_STATES]
    started_at: Time
    finished_at: Time | None
    results: Annotated[dict[str, JobOutcome], "what each job did, by its name"]
    error: Annotated[str, "why it failed, for people; empty unless it did"]
    requested_by: Annotated[str | None, "a user's name; null if scheduled"]


class MaintenanceStatistics(TypedDict):
    """What all runs together did since the installation began."""

    sessions_cleaned: Annotated[int, "archived, because nothing was said in them for long"]
    sessions_removed: Annotated[int, "deleted ones whose rows were removed"]
    logs_rotated: int
    temp_files_deleted: int
    exports_deleted: int
    files_deleted: Annotated[int, "uploads, and what work delivered"]
    events_pruned: int
    cleanup_count: Annotated[int, "runs that ended"]
    last_cleanup: Annotated[Time | None, "when the last run ended"]


class PoolStatusPayload(TypedDict):
    """The counts of a pool of subagents."""

    pool: Annotated[str, "its name, such as `tools`"]
    cap: Annotated[int, "most subagents at once, over all machines"]
    capacity: Annotated[int, "how many the living workers can run now, at most `cap`"]
    paused: Annotated[bool, "whether it starts nothing"]
    queue_limit: Annotated[int, "most subagents that wait"]
    queued: Annotated[int, "how many wait"]
    admitted: Annotated[int, "how many have a slot and are about to start"]
    running: int


class WorkerPayload(TypedDict):
    """A process that works."""

    worker_id: Id
    kind: Annotated[
        str,
        OneOf("agents", "chat", "keeper", "beat"),
        "runs subagents, answers, watches over its host, sends what is scheduled",
    ]
    host: str
    pid: Annotated[int, "the process id on that host"]
    queues: Annotated[list[str], "the pools that it works for"]


class HealthPayload(TypedDict):
    """The state of each part of the installation and of the whole, when that of a part has changed."""

    status: Annotated[Status, "the worst of all parts"]
    components: Annotated[
        dict[str, Status], "by name: `database`, `redis`, `pools`, and each kind of process"
    ]
    reasons: Annotated[dict[str, str], "why, for people, for each part that is not ok"]
