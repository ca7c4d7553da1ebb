"""The event contract: every kind of event and the fields of its payload. `docs/events.md` is made of it.

Names end in their unit: `_ms` milliseconds, `_seconds` seconds. What a field's name does not say stands in
its annotation; a sentence there reaches the document and the OpenAPI schema.
"""

from sessions_app.payloads.agents import (
    ApprovalPayload,
    ExportPayload,
    ExportProgress,
    FilePayload,
    McpServerPayload,
    ModelUsage,
    SessionUsage,
    SubagentPayload,
    SubagentProgress,
    ToolCallPayload,
    ToolProgress,
    TurnPayload,
    TurnRetry,
    TurnWithheld,
    UsagePayload,
)
from sessions_app.payloads.feed import (
    ControlEvent,
    DurableEvent,
    EphemeralEvent,
    FeedError,
    FeedPong,
    FeedReady,
    FeedReset,
    StaffEvent,
)
from sessions_app.payloads.sessions import (
    Error,
    MessageDelta,
    MessagePayload,
    MessagesJoined,
    SessionPayload,
)
from sessions_app.payloads.staff import (
    HealthPayload,
    JobOutcome,
    MaintenanceRunPayload,
    MaintenanceStatistics,
    PoolStatusPayload,
    WorkerPayload,
)

__all__ = [
    "CONTROL",
    "CUT_TEXT_CHARACTERS",
    "DELTA_CHARACTERS",
    "DURABLE",
    "EPHEMERAL",
    "MEANINGS",
    "PAYLOAD_MAX_BYTES",
    "STAFF",
    "ApprovalPayload",
    "ControlEvent",
    "DurableEvent",
    "EphemeralEvent",
    "Error",
    "ExportPayload",
    "ExportProgress",
    "FeedError",
    "FeedPong",
    "FeedReady",
    "FeedReset",
    "FilePayload",
    "HealthPayload",
    "JobOutcome",
    "MaintenanceRunPayload",
    "MaintenanceStatistics",
    "McpServerPayload",
    "MessageDelta",
    "MessagePayload",
    "MessagesJoined",
    "ModelUsage",
    "PoolStatusPayload",
    "SessionPayload",
    "SessionUsage",
    "StaffEvent",
    "SubagentPayload",
    "SubagentProgress",
    "ToolCallPayload",
    "ToolProgress",
    "TurnPayload",
    "TurnRetry",
    "TurnWithheld",
    "UsagePayload",
    "WorkerPayload",
]

PAYLOAD_MAX_BYTES = 16 * 1024
CUT_TEXT_CHARACTERS = 1000
"""A message that does not fit is cut to this length and says `truncated`: fetch the row. (A character is
at most 6 bytes of JSON.)"""

DELTA_CHARACTERS = PAYLOAD_MAX_BYTES // 8
"""Longer text in flight comes in several deltas. (A character is at most 6 bytes of JSON.)"""

DURABLE: dict[str, type] = {
    "session.started": SessionPayload,
    "session.updated": SessionPayload,
    "session.archived": SessionPayload,
    "session.restored": SessionPayload,
    "session.stopped": SessionPayload,
    "message.added": MessagePayload,
    "message.completed": MessagePayload,
    "message.joined": MessagesJoined,
    "turn.started": TurnPayload,
    "turn.completed": TurnPayload,
    "turn.failed": TurnPayload,
    "turn.cancelled": TurnPayload,
    "turn.withheld": TurnWithheld,
    "tool.started": ToolCallPayload,
    "tool.completed": ToolCallPayload,
    "tool.failed": ToolCallPayload,
    "approval.requested": ApprovalPayload,
    "approval.resolved": ApprovalPayload,
    "subagent.queued": SubagentPayload,
    "subagent.started": SubagentPayload,
    "subagent.completed": SubagentPayload,
    "subagent.failed": SubagentPayload,
    "subagent.cancelled": SubagentPayload,
    "export.started": ExportPayload,
    "export.completed": ExportPayload,
    "export.failed": ExportPayload,
    "mcp.server_connected": McpServerPayload,
    "mcp.server_failed": McpServerPayload,
}
"""Events with a row: replayed in order, none missing, none twice."""

EPHEMERAL: dict[str, type] = {
    "message.delta": MessageDelta,
    "turn.retrying": TurnRetry,
    "tool.progress": ToolProgress,
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

CONTROL: dict[str, type] = {
    "feed.ready": FeedReady,
    "feed.reset": FeedReset,
    "feed.pong": FeedPong,
    "feed.error": FeedError,
}
"""What a feed tells one client about itself: no row, no `seq`, no session, no time."""

MEANINGS: dict[str, str] = {
    "session.started": "The session was made. It is its first event.",
    "session.updated": "It has another title or model, or another branch of it is shown.",
    "session.archived": "It was put away, by its owner or because nothing was said in it for long.",
    "session.restored": "It was taken back out of the archive.",
    "session.stopped": "It ended for good; its turn and its subagents are cancelled.",
    "message.added": "A message is there. If it is `streaming`, its text follows as `message.delta`.",
    "message.completed": "A streaming message ended. Its `content` replaces what the deltas gave.",
    "turn.started": "The main agent began to answer, or went on after a crash (`attempt`).",
    "turn.completed": "The main agent has answered.",
    "turn.failed": "The answer failed.",
    "turn.cancelled": "The answer was stopped by the user; what text there is stays.",
    "tool.started": "A fast tool was called.",
    "tool.completed": "The call succeeded.",
    "tool.failed": "The call failed.",
    "approval.requested": "The main agent wants to call a tool and waits for the user's word.",
    "approval.resolved": "The user decided, or the turn ended before that.",
    "subagent.queued": "Work was handed out and waits, or waits again because its process died (`attempt`).",
    "subagent.started": "An attempt began in a worker.",
    "subagent.completed": "The work succeeded.",
    "subagent.failed": "The work failed: an error, a deadline, or too many processes that died.",
    "subagent.cancelled": "The work was cancelled.",
    "export.started": "An attempt to make the file began.",
    "export.completed": "The file can be downloaded.",
    "export.failed": "There will be no file: making it failed, or was cancelled (see `state`).",
    "mcp.server_connected": "A turn of this session was connected to an MCP server.",
    "mcp.server_failed": "A turn could not use an MCP server: it did not answer, or the connection broke.",
    "pool.status_changed": "Counts or settings of the pool changed. At most once a second for each pool.",
    "pool.queue_full": "The pool takes no more work until some has started.",
    "worker.started": "A process came.",
    "worker.lost": "A process went: it ended or died.",
    "maintenance.started": "A run began its jobs.",
    "maintenance.completed": "Every job succeeded.",
    "maintenance.failed": "A job failed, the run's process died, or none took it up.",
}
"""When each kind is sent. What has a payload of its own is told there."""
