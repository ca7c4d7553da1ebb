"""Calls of MCP servers' tools as subagents: they run in the chat worker, where the connections are.

Some begin as subagents. Others began as fast calls, took long and moved into the background, where they go on
without a new start. The keeper cannot end them by force, since the process is everybody's: it ends the row,
and the call, which looks at its row, is given up within half a second.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from agents_app import liveness, outcome, pool, submissions, tool_executor
from agents_app.attempt import Attempt, remove_workdir, workdir_path
from agents_app.context import Stopped, ToolError
from agents_app.models import Subagent, ToolCall
from agents_app.outcome import Outcome
from agents_app.presentation import tool_payload
from agents_app.registry import Tool, find_agent_type
from agents_app.storing import patiently
from agents_app.submissions import NoSlot, Submission
from agents_app.turn_thread import Shutdown
from sessions_app.errors import Refusal
from sessions_app.events import SessionChange, session_change
from sessions_app.models import ChatSession

logger = logging.getLogger(__name__)

MOVED = "It takes long and goes on in the background; its result arrives as a message."


@dataclass(frozen=True)
class Background:
    """A call that goes on as a subagent, and what it sees of it."""

    subagent: Subagent
    attempt: Attempt


def run(subagent_id: UUID, attempt: int) -> None:
    """Run an admitted attempt to its end; does nothing if somebody else has it or it is over."""
    subagent = pool.start(subagent_id, attempt, liveness.current_worker_id())
    if subagent is None:
        return
    context = _attempt(subagent)
    end(Background(subagent, context), _execute(subagent, context))


def move(call_id: UUID, session: ChatSession, tool: Tool, arguments: dict[str, object]) -> Background | None:
    """Make a subagent of a fast call that runs in this process, if its pool has a slot for it now."""
    try:
        with session_change(session.pk) as change:
            subagent = _take_in(change, call_id, tool, arguments)
    except (NoSlot, DatabaseError):  # it is tried again soon, and the call goes on meanwhile
        return None
    return Background(subagent, _attempt(subagent))


def end(background: Background, ended: Outcome) -> None:
    """Store how a call ended; at a shutdown its row is left to the keeper, which gives it back."""
    if Shutdown.requested:
        return

    remove_workdir(background.subagent.pk, background.subagent.attempt)

    def store() -> None:
        background.attempt.end()
        pool.finish(background.subagent, ended)

    patiently(f"the end of {background.subagent}", store)


def _take_in(change: SessionChange, call_id: UUID, tool: Tool, arguments: dict[str, object]) -> Subagent:
    call = ToolCall.objects.filter(pk=call_id, state=ToolCall.State.RUNNING).first()
    if call is None or change.session.state == ChatSession.State.STOPPED:
        raise NoSlot
    submission = Submission(
        session_id=change.session.pk,
        agent_type=tool_executor.TOOL_EXECUTOR.name,
        plan=tool_executor.plan(tool, arguments),
        turn_id=call.turn_id,
    )
    subagent = submissions.take_in(change, submission, liveness.current_worker_id(), call.seq)
    call.state, call.subagent, call.finished_at = ToolCall.State.SUCCEEDED, subagent, timezone.now()
    call.result = {"summary": MOVED, "data": {"subagent_id": str(subagent.pk)}}
    call.save(update_fields=["state", "subagent", "finished_at", "result"])
    change.record("tool.completed", tool_payload(call))
    return subagent


def _attempt(subagent: Subagent) -> Attempt:
    folder = workdir_path(subagent.pk, subagent.attempt)
    return Attempt(subagent, find_agent_type(subagent.agent_type), folder)


def _execute(subagent: Subagent, context: Attempt) -> Outcome:
    execute: Callable[..., object] = find_agent_type(subagent.agent_type).execute
    try:
        return outcome.of_result(execute(context, subagent.tool_name, subagent.args))
    except BaseException as error:  # a tool's bug ends its own attempt, not the worker
        if not isinstance(error, Stopped | ToolError | Refusal):
            logger.exception("%s failed", subagent)
        return outcome.of_error(error)
