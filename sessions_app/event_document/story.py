"""One small session, told in values: what the examples of the document show.

Event number N happens N seconds after half past nine. Where a kind can only happen instead of another, both
have the same number.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sessions_app.payloads import (
    ApprovalPayload,
    ExportPayload,
    ExportProgress,
    FeedError,
    FeedReady,
    FeedReset,
    FilePayload,
    HealthPayload,
    MaintenanceRunPayload,
    McpServerPayload,
    MessageDelta,
    MessagePayload,
    PoolStatusPayload,
    SessionPayload,
    SubagentPayload,
    SubagentProgress,
    ToolCallPayload,
    ToolProgress,
    TurnPayload,
    TurnRetry,
    WorkerPayload,
)

_BEGIN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def moment(number: int) -> str:
    """Return when event `number` happens."""
    return (_BEGIN + timedelta(seconds=number)).isoformat(timespec="microseconds")


def an_id(name: str) -> str:
    """Return the UUID that `name` has in every example."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mcpchat/{name}"))


NUMBERS = {
    "session.started": 1,
    "message.added": 2,
    "session.updated": 3,
    "turn.started": 4,
    "turn.retrying": 5,
    "approval.requested": 5,
    "approval.resolved": 6,
    "tool.started": 5,
    "tool.progress": 6,
    "tool.completed": 6,
    "tool.failed": 6,
    "subagent.queued": 7,
    "subagent.progress": 9,
    "subagent.started": 8,
    "message.delta": 10,
    "message.completed": 11,
    "message.joined": 6,
    "turn.withheld": 14,
    "turn.completed": 12,
    "turn.failed": 12,
    "turn.cancelled": 12,
    "subagent.completed": 13,
    "subagent.failed": 13,
    "subagent.cancelled": 13,
    "export.started": 20,
    "export.progress": 21,
    "export.completed": 22,
    "export.failed": 22,
    "mcp.server_connected": 25,
    "mcp.server_failed": 25,
    "session.archived": 30,
    "session.restored": 31,
    "session.stopped": 32,
    "maintenance.completed": 1,
    "maintenance.failed": 1,
}
"""When each kind happens, and the `seq` of the durable ones."""

_ANSWER = "A subagent is reading the repository."
_ENDED = {"finished_at": moment(13), "duration_ms": 5000}
_STARTED = {"started_at": moment(8), "queue_ms": 1000}
_NO_MODEL = {
    "code": "model_unreachable",
    "message": "The provider of openai:gpt-5 cannot be reached. Is its server running?",
}
_BUSY = {
    "code": "model_unavailable",
    "message": "openai:gpt-5 is overloaded or down. Try again later, or choose another model.",
}

_FILE: FilePayload = {
    "file_id": an_id("file_id"),
    "name": "files.csv",
    "size": 1840,
    "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "content_type": "text/csv",
    "download_url": f"/files/{an_id('file_id')}/",
    "expires_at": moment(13 + 7 * 24 * 3600),
}

OF_PAYLOAD: dict[type, dict[str, Any]] = {
    SessionPayload: {"title": "How big is Flask?"},
    MessagePayload: {
        "seq": 2,
        "role": "user",
        "state": "complete",
        "content": "How big is Flask?",
        "html": "<p>How big is Flask?</p>",
        "wants_answer": True,
        "created_at": moment(2),
    },
    MessageDelta: {"message_id": an_id("answer"), "offset": 11, "text": "is reading"},
    TurnPayload: {"model": "openai:gpt-5"},
    TurnRetry: {"error": _BUSY, "retry_in_seconds": 2.0},
    ToolCallPayload: {
        "seq": 5,
        "turn_id": an_id("turn_id"),
        "tool_name": "list_subagents",
        "title": "List subagents",
        "created_at": moment(5),
    },
    ApprovalPayload: {
        "seq": 5,
        "turn_id": an_id("turn_id"),
        "tool_name": "files__write_file",
        "title": "Write file",
        "args": {"path": "notes.md", "content": "Flask is small."},
        "state": "pending",
        "created_at": moment(5),
    },
    SubagentPayload: {
        "seq": 7,
        "turn_id": an_id("turn_id"),
        "agent_type": "tool_executor",
        "pool": "tools",
        "tool_name": "analyze_codebase",
        "title": "Analyze codebase",
        "args": {"repo_url": "https://github.com/pallets/flask"},
        "progress": 0.0,
        "queued_at": moment(7),
    },
    ToolProgress: {"progress": 40.0, "stage": "step 2 of 5"},
    SubagentProgress: {"attempt": 1, "progress": 42.5, "stage": "analyzing", "estimated_seconds_left": 4.5},
    ExportPayload: {"subagent_id": an_id("export"), "format": "json", "session_count": 1},
    ExportProgress: {
        "subagent_id": an_id("export"),
        "progress": 45.0,
        "stage": "rendering",
        "estimated_seconds_left": 0.5,
    },
    McpServerPayload: {"name": "files", "protocol_version": "2025-11-25", "tool_count": 14},
    MaintenanceRunPayload: {"kind": "hourly", "started_at": moment(0)},
    PoolStatusPayload: {
        "pool": "tools",
        "cap": 3,
        "capacity": 3,
        "queue_limit": 1000,
        "admitted": 0,
        "running": 3,
    },
    WorkerPayload: {"host": "mars", "pid": 4711, "queues": ["tools"]},
    HealthPayload: {
        "status": "degraded",
        "components": {"database": "ok", "redis": "ok", "pools": "degraded"},
        "reasons": {"pools": "tools is paused."},
    },
    FeedReady: {"last_seq": 13},
    FeedReset: {"last_seq": 13},
    FeedError: {"code": "unknown_type", "message": 'Only {"type": "ping"} is understood.'},
}
"""What each example of a payload has in common; what is not named here follows from the type."""

OF_KIND: dict[str, dict[str, Any]] = {
    "session.started": {"title": ""},
    "session.archived": {"state": "archived"},
    "session.stopped": {"state": "stopped"},
    "message.completed": {
        "message_id": an_id("answer"),
        "seq": 9,
        "role": "assistant",
        "content": _ANSWER,
        "html": f"<p>{_ANSWER}</p>",
        "turn_id": an_id("turn_id"),
        "created_at": moment(9),
    },
    "turn.completed": {"duration_ms": 8000},
    "turn.failed": {"duration_ms": 8000, "error": _NO_MODEL},
    "turn.cancelled": {"duration_ms": 8000},
    "tool.completed": {
        "state": "succeeded",
        "duration_ms": 1000,
        "result": {"summary": "Nothing is running.", "data": {"subagents": []}},
    },
    "tool.failed": {
        "state": "failed",
        "duration_ms": 1000,
        "error": {"code": "turn_ended", "message": "The turn ended before this call did."},
    },
    "approval.resolved": {"state": "allowed", "scope": "once"},
    "subagent.queued": {"queue_position": 1, "estimated_wait_seconds": 4.0},
    "subagent.started": {"state": "running", **_STARTED},
    "subagent.completed": {
        **_STARTED,
        **_ENDED,
        "state": "succeeded",
        "progress": 100.0,
        "stage": "complete",
        "result": {"summary": "24 Python files, **9,310 lines**."},
        "summary_html": "<p>24 Python files, <strong>9,310 lines</strong>.</p>",
        "files": [_FILE],
        "files_total": 1,
    },
    "subagent.failed": {
        **_STARTED,
        **_ENDED,
        "state": "failed",
        "progress": 10.0,
        "stage": "cloning",
        "error": {"code": "timeout", "message": "It ran longer than 5 s and was stopped."},
    },
    "subagent.cancelled": {
        **_STARTED,
        **_ENDED,
        "state": "cancelled",
        "progress": 42.5,
        "stage": "analyzing",
    },
    "export.started": {"state": "running"},
    "export.completed": {
        "state": "succeeded",
        "file_name": "How-big-is-Flask-20260302-0930.json",
        "file_size": 8192,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "download_url": f"/exports/{an_id('export_id')}/",
        "duration_ms": 2000,
        "expires_at": moment(22 + 7 * 24 * 3600),
    },
    "export.failed": {
        "state": "failed",
        "duration_ms": 2000,
        "error": {
            "code": "storage_failed",
            "message": "The file could not be written: No space left on device.",
        },
    },
    "mcp.server_failed": {
        "error": {"code": "mcp_unreachable", "message": "The program ended at once: exit code 1."}
    },
    "pool.queue_full": {"queued": 1000},
    "maintenance.completed": {
        "state": "succeeded",
        "finished_at": moment(1),
        "results": {
            "idle_sessions": {
                "line": "2 idle sessions archived",
                "counts": {"sessions_cleaned": 2},
                "failed": False,
                "duration_ms": 18,
            }
        },
    },
    "maintenance.failed": {
        "state": "failed",
        "finished_at": moment(1),
        "error": "logs: PermissionError: [Errno 13] Permission denied",
    },
}
"""What is particular to the example of a kind."""
