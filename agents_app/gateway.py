"""The verbs that every door calls: REST, the main agent, the admin. Each checks, then does one thing."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import transaction

from agents_app import (
    admission,
    approvals,
    fast_calls,
    maintenance,
    pool,
    statements,
    submissions,
    tool_policies,
)
from agents_app.files import arguments as files
from agents_app.mcp_servers import calling
from agents_app.mcp_servers.calling import tool_at_hand
from agents_app.models import Pool, Subagent, ToolCall
from agents_app.pool_status import status_of
from agents_app.querysets import IMPORTED
from agents_app.registry import TOOLS, Tool, find_agent_type
from agents_app.submissions import Submission
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from sessions_app.payloads import MaintenanceStatistics

HEAVY_ARGUMENT_COUNT = 10
HEAVY_FILE_BYTES = 1024 * 1024
EXECUTIONS = ("auto", "fast", "heavy")
PRIORITY_MAX = 100


def execute_tool(
    session: ChatSession,
    tool_name: str,
    arguments: Any,
    *,
    execution: str = "auto",
    turn_id: UUID | None = None,
    call_id: UUID | None = None,
    timeout_seconds: float | None = None,
    priority: int = 0,
    must_end: Callable[[], bool] = lambda: False,
    moved: Callable[[Subagent], None] = lambda _: None,
) -> ToolCall | Subagent:
    """Run a fast tool now and return its finished call, or queue a heavy one and return its subagent.

    The same `call_id` again does not run or queue anything twice. `timeout_seconds` bounds heavy work
    instead of the tool's own timeout; of the same owner's, work of higher `priority` goes first. A fast tool
    that looks is stopped once `must_end()` says so. One of an MCP server that takes long moves into the
    background, which `moved` is told, and goes on there.

    Raises `Refusal`: `unknown_tool`, `tool_denied`, `invalid_arguments`, what the tool's own check refuses,
    `file_not_found`, `session_not_active`, `invalid_priority`, `queue_full`. A call of a turn may also raise
    `ApprovalPending`, or be refused with `refused_by_user`.
    """
    tool = tool_at_hand(session, tool_name)
    tool_policies.refuse_denied(tool)
    arguments = tool.validate(arguments)
    files.refuse_unreadable(tool, arguments, session.owner_id)
    if tool.permit is not None:
        tool.permit(session.owner_id, **arguments)
    if turn_id is not None and call_id is not None:
        arguments = approvals.settled(session, turn_id, call_id, tool, arguments)
    if execution not in EXECUTIONS:
        raise Refusal("invalid_execution", f"execution is one of {', '.join(EXECUTIONS)}.")
    if is_heavy(tool, arguments, execution):
        task = {"tool_name": tool_name, "args": arguments, "timeout_seconds": timeout_seconds}
        key = str(call_id) if call_id else ""
        return spawn(
            session.pk, "tool_executor", task, turn_id=turn_id, idempotency_key=key, priority=priority
        )
    call_id = call_id or uuid4()
    earlier = fast_calls.begin(session, tool, arguments, turn_id, call_id)
    if earlier is not None:
        return earlier
    if tool.in_chat_worker and not calling.is_connected():
        return fast_calls.hand_over(call_id, tool)
    return fast_calls.make(session, tool, arguments, call_id, must_end, moved)


def is_heavy(tool: Tool, arguments: Mapping[str, Any], execution: str) -> bool:
    """Whether a call becomes a subagent: so marked, asked for, over 10 arguments, or a file over 1 MB.

    Raises `Refusal` (`tool_is_heavy`) for a fast call of a tool that is marked heavy.
    """
    if execution == "auto":
        many = len(arguments) > HEAVY_ARGUMENT_COUNT
        return tool.heavy or many or _names_a_large_file(tool, arguments)
    if execution == "fast" and tool.heavy:
        raise Refusal("tool_is_heavy", f"{tool.name} runs only as a subagent.")
    return execution == "heavy"


def _names_a_large_file(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Whether an argument names a file over 1 MB: by its schema a path that tools may read, or an id."""
    if files.largest(tool, arguments) > HEAVY_FILE_BYTES:
        return True
    properties = tool.input_schema.get("properties", {})
    paths = [value for name, value in arguments.items() if properties.get(name, {}).get("format") == "path"]
    return any(_allowed_size(Path(value)) > HEAVY_FILE_BYTES for value in paths if isinstance(value, str))


def _allowed_size(path: Path) -> int:
    """Return the size of a file in an allow-listed folder; 0 for any other, whatever it is."""
    try:
        resolved = path.resolve()
        allowed = any(resolved.is_relative_to(folder) for folder in settings.ALLOWED_FOLDERS)
        return resolved.stat().st_size if allowed and resolved.is_file() else 0
    except (OSError, ValueError):
        return 0


def spawn(
    session_id: UUID,
    agent_type: str,
    task: Mapping[str, Any],
    *,
    turn_id: UUID | None = None,
    idempotency_key: str = "",
    priority: int = 0,
) -> Subagent:
    """Hand a task to a subagent of the given type; of the same owner's, higher `priority` goes first.

    Raises `Refusal`: `unknown_agent_type`, what the type refuses, `session_not_active`, `invalid_priority`,
    `queue_full`.
    """
    kind = find_agent_type(agent_type)
    if abs(priority) > PRIORITY_MAX:
        raise Refusal("invalid_priority", f"A priority is from -{PRIORITY_MAX} to {PRIORITY_MAX}.")
    submission = Submission(
        session_id=session_id,
        agent_type=kind.name,
        plan=kind.prepare(task, session_id),
        turn_id=turn_id,
        idempotency_key=idempotency_key,
        priority=priority,
    )
    return submissions.submit(submission)


def request_export(
    session_id: UUID,
    file_format: str,
    options: Mapping[str, Any],
    *,
    session_ids: Sequence[UUID] | str | None = None,
    **how: Any,
) -> Subagent:
    """Have a session exported, or one archive made of those of its owner's that are named (or `"all"`).

    Raises `Refusal`: `unsupported_format`, `invalid_options`, `invalid_sessions`, as `spawn` does.
    """
    task: dict[str, Any] = {"format": file_format, "options": dict(options)}
    if session_ids is not None:
        task["session_ids"] = session_ids if isinstance(session_ids, str) else list(map(str, session_ids))
    return spawn(session_id, "export_agent", task, **how)


def cancel(subagent_id: UUID) -> Subagent:
    """Cancel a subagent; one that has ended stays as it is."""
    return pool.cancel(subagent_id)


def cancel_all(session_id: UUID) -> None:
    """Cancel every unfinished subagent of a session."""
    pool.cancel_all(session_id)


def retry(subagent_id: UUID, idempotency_key: str = "") -> Subagent:
    """Queue ended work again as a new subagent.

    Raises `Refusal`: `not_final`, `imported`, `tool_denied`, `file_expired`.
    """
    if Subagent.objects.filter(pk=subagent_id, agent_type=IMPORTED).exists():
        raise Refusal("imported", "This work came with an imported chat; ask for it anew.", 409)
    for ended in Subagent.objects.filter(pk=subagent_id, tool_name__in=TOOLS):
        tool = tool_policies.find(ended.tool_name)
        tool_policies.refuse_denied(tool)
        files.refuse_expired(tool, ended.args, ended.owner_id)
    return submissions.retry(subagent_id, idempotency_key)


def pool_status() -> list[dict[str, Any]]:
    """Return every pool as it stands."""
    return [status_of(row) for row in Pool.objects.all()]


def look_at_server(server_id: UUID) -> None:
    """Have the chat worker look at an MCP server, once what was changed is stored."""
    transaction.on_commit(
        lambda: admission.send_task("agents_app.chat_tasks.look_at_server", "chat", str(server_id))
    )


def list_models() -> None:
    """Have the chat worker ask the providers for their models, once what was changed is stored."""
    transaction.on_commit(lambda: admission.send_task("agents_app.chat_tasks.list_models", "chat"))


def maintenance_statistics() -> MaintenanceStatistics:
    """Return what the maintenance agent has done since the installation began."""
    return maintenance.statistics()


def change_pool(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change a pool's caps, limits or pause, admit what now has room, and return its status."""
    with transaction.atomic():
        # Whoever is admitting has read the old cap; the new one holds from the next admission on.
        statements.lock(name)
        Pool.objects.filter(pk=name).update(**changes)
    admission.admit(name)
    return status_of(Pool.objects.get(pk=name))


def call_id(session: ChatSession, idempotency_key: str) -> UUID | None:
    """Return the id of a call that a program may repeat: the same key in a session names the same call."""
    return uuid5(session.pk, idempotency_key) if idempotency_key else None
