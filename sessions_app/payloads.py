"""The event contract: every kind of event and the fields of its payload.

Names end in their unit: `_ms` milliseconds, `_seconds` seconds; `progress` is percent 0-100. Times are
ISO 8601 in UTC, ids are UUIDs as text. A payload is at most 16 KB: what is larger goes by reference.
"""

from typing import Any, NotRequired, TypedDict

PAYLOAD_MAX_BYTES = 16 * 1024
CUT_TEXT_CHARACTERS = 1000
"""A message that does not fit is cut to this length and says `truncated`: fetch the row. (A character is
at most 6 bytes of JSON.)"""

DELTA_CHARACTERS = PAYLOAD_MAX_BYTES // 8
"""Longer text in flight comes in several deltas. (A character is at most 6 bytes of JSON.)"""


class Error(TypedDict):
    """Why something failed: a stable code for programs, a sentence for people."""

    code: str
    message: str


class SessionPayload(TypedDict):
    """`session.started`, `.updated`, `.archived`, `.restored`, `.stopped`."""

    session_id: str
    title: str
    state: str
    model: str


class MessagePayload(TypedDict):
    """`message.added` and `message.completed`: a message as it stands."""

    message_id: str
    seq: NotRequired[int]
    role: str
    state: str
    content: str
    html: str
    truncated: bool
    generation: int
    wants_answer: bool
    turn_id: str | None
    subagent_id: str | None
    created_at: str


class MessageDelta(TypedDict):
    """`message.delta` (ephemeral): `text` begins at character `offset` of this `generation`."""

    message_id: str
    generation: int
    offset: int
    text: str


class TurnPayload(TypedDict):
    """`turn.started`, `turn.completed`, `turn.failed`, `turn.cancelled`."""

    turn_id: str
    model: str
    attempt: int
    duration_ms: NotRequired[int]
    error: NotRequired[Error]


class ToolCallPayload(TypedDict):
    """`tool.started`, `tool.completed`, `tool.failed`: a fast call of the main agent or of a program."""

    call_id: str
    seq: NotRequired[int]
    turn_id: str | None
    tool_name: str
    title: str
    args: Any
    state: str
    duration_ms: NotRequired[int]
    result: NotRequired[Any]
    error: NotRequired[Error]
    created_at: str


class SubagentPayload(TypedDict):
    """`subagent.queued`, `.started`, `.completed`, `.failed`, `.cancelled`: a subagent as it stands."""

    subagent_id: str
    seq: int | None
    turn_id: str | None
    agent_type: str
    pool: str
    tool_name: str
    title: str
    args: Any
    state: str
    attempt: int
    progress: float
    stage: str
    estimated_seconds_left: float | None
    queue_position: int | None
    estimated_wait_seconds: float | None
    cancel_requested: bool
    queued_at: str
    started_at: str | None
    finished_at: str | None
    queue_ms: int | None
    duration_ms: int | None
    result: Any
    summary_html: str
    error: Error | None


class SubagentProgress(TypedDict):
    """`subagent.progress` (ephemeral), at most 10 a second; the queue position while queued."""

    subagent_id: str
    attempt: NotRequired[int]
    progress: float
    stage: str
    estimated_seconds_left: float | None
    queue_position: NotRequired[int]
    estimated_wait_seconds: NotRequired[float | None]


class ExportPayload(TypedDict):
    """`export.started`, `export.completed`, `export.failed`; its subagent's events tell the rest."""

    export_id: str
    subagent_id: str
    format: str
    state: str
    file_name: str
    file_size: int | None
    sha256: str
    download_url: str | None
    duration_ms: int | None
    expires_at: str | None
    error: Error | None


class ExportProgress(TypedDict):
    """`export.progress` (ephemeral), at most 10 a second."""

    export_id: str
    subagent_id: str
    progress: float
    stage: str
    estimated_seconds_left: float | None


class JobOutcome(TypedDict):
    """What one maintenance job did."""

    line: str
    counts: dict[str, int]
    failed: bool
    duration_ms: int


class MaintenanceRunPayload(TypedDict):
    """`maintenance.started`, `maintenance.completed`, `maintenance.failed`: a run as it stands."""

    run_id: str
    kind: str
    deep: bool
    state: str
    started_at: str
    finished_at: str | None
    results: dict[str, JobOutcome]
    error: str
    requested_by: str | None


class MaintenanceStatistics(TypedDict):
    """What all runs together did since the installation began."""

    sessions_cleaned: int
    sessions_removed: int
    logs_rotated: int
    temp_files_deleted: int
    exports_deleted: int
    events_pruned: int
    cleanup_count: int
    last_cleanup: str | None


class PoolStatusPayload(TypedDict):
    """`pool.status_changed` and `pool.queue_full`: the counts of a pool."""

    pool: str
    cap: int
    capacity: int
    paused: bool
    queue_limit: int
    queued: int
    admitted: int
    running: int


class WorkerPayload(TypedDict):
    """`worker.started` and `worker.lost`: a process that works."""

    worker_id: str
    kind: str
    host: str
    pid: int
    queues: list[str]


class HealthPayload(TypedDict):
    """`system.health_updated`: the state of each component (ok, degraded, unavailable) and of the whole."""

    status: str
    components: dict[str, str]
    reasons: dict[str, str]


DURABLE: dict[str, type] = {
    "session.started": SessionPayload,
    "session.updated": SessionPayload,
    "session.archived": SessionPayload,
    "session.restored": SessionPayload,
    "session.stopped": SessionPayload,
    "message.added": MessagePayload,
    "message.completed": MessagePayload,
    "turn.started": TurnPayload,
    "turn.completed": TurnPayload,
    "turn.failed": TurnPayload,
    "turn.cancelled": TurnPayload,
    "tool.started": ToolCallPayload,
    "tool.completed": ToolCallPayload,
    "tool.failed": ToolCallPayload,
    "subagent.queued": SubagentPayload,
    "subagent.started": SubagentPayload,
    "subagent.completed": SubagentPayload,
    "subagent.failed": SubagentPayload,
    "subagent.cancelled": SubagentPayload,
    "export.started": ExportPayload,
    "export.completed": ExportPayload,
    "export.failed": ExportPayload,
}
"""Events with a row: replayed in order, none missing, none twice."""

EPHEMERAL: dict[str, type] = {
    "message.delta": MessageDelta,
    "subagent.progress": SubagentProgress,
    "export.progress": ExportProgress,
}
"""Events without a row and without `seq`: safe to miss."""

STAFF: dict[str, type] = {
    "pool.status_changed": PoolStatusPayload,
    "pool.queue_full": PoolStatusPayload,
    "worker.started": WorkerPayload,
    "worker.lost": WorkerPayload,
    "maintenance.started": MaintenanceRunPayload,
    "maintenance.completed": MaintenanceRunPayload,
    "maintenance.failed": MaintenanceRunPayload,
    "system.health_updated": HealthPayload,
}
"""Events for staff alone, about the whole installation: no row, no `seq`, no session; safe to miss."""
