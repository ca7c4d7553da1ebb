"""How work ended: the one place that makes a storable result or error of what a tool returned or raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents_app.context import Stopped, ToolError
from agents_app.models import Subagent
from agents_app.registry import ToolResult
from sessions_app import plain
from sessions_app.errors import Refusal

RESULT_MAX_BYTES = 2 * 1024 * 1024
SUMMARY_MAX_CHARACTERS = 1000
REPORT_MAX_CHARACTERS = 200_000
CODE_MAX_CHARACTERS = 100
MESSAGE_MAX_CHARACTERS = 1000
State = Subagent.State


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt ended; without a `result` what it kept of it stays."""

    state: Subagent.State
    result: Mapping[str, Any] | None = None
    report: str = ""
    error: Mapping[str, str] | None = None


def of_result(result: object) -> Outcome:
    """Return the outcome of what a tool returned; what cannot be stored is a failure."""
    if not isinstance(result, ToolResult) or not isinstance(result.data, Mapping):
        return failed("invalid_result", "The tool returned no ToolResult.")
    body = {"summary": result.summary[:SUMMARY_MAX_CHARACTERS], "data": dict(result.data)}
    try:
        size = plain.json_bytes(body)
        plain.json_bytes(result.report)
    except ValueError as error:
        return failed("invalid_result", f"The tool's result cannot be stored: {error}")
    if size > RESULT_MAX_BYTES:
        return failed("result_too_large", f"The result is larger than {RESULT_MAX_BYTES:,} bytes.")
    return Outcome(state=State.SUCCEEDED, result=body, report=result.report[:REPORT_MAX_CHARACTERS])


def of_error(error: BaseException) -> Outcome:
    """Return the outcome of what a tool raised."""
    if isinstance(error, Stopped):
        return Outcome(state=State.CANCELLED)
    if isinstance(error, ToolError | Refusal):
        return failed(error.code, str(error))
    if isinstance(error, MemoryError):
        return failed("out_of_memory", "The work needed more memory than there is.")
    return failed("tool_error", f"{type(error).__name__}: {error}")


def overdue(subagent: Subagent, now: datetime) -> Outcome | None:
    """Return how a running attempt ends whose time is over, or None while it is not."""
    if subagent.deadline_at is not None and subagent.deadline_at <= now:
        seconds = subagent.execution_timeout_seconds
        return failed("timeout", f"It ran longer than {seconds:g} s and was stopped.")
    if subagent.idle_deadline_at is not None and subagent.idle_deadline_at <= now:
        seconds = subagent.idle_timeout_seconds
        return failed("idle_timeout", f"It made no progress for {seconds:g} s and was stopped.")
    return None


def failed(code: str, message: str) -> Outcome:
    """Return a failure whose code and message are bounded and storable."""
    error = {
        "code": plain.text(code, CODE_MAX_CHARACTERS),
        "message": plain.text(message, MESSAGE_MAX_CHARACTERS),
    }
    return Outcome(state=State.FAILED, error=error)
