"""What the main agent can do with its own subagents: list them, cancel them, export the session."""

from uuid import UUID

from agents_app import gateway
from agents_app.context import ToolContext
from agents_app.models import Subagent
from agents_app.presentation import subagent_payloads
from agents_app.querysets import SubagentQuerySet
from agents_app.registry import ToolResult, tool
from sessions_app.errors import not_found

_NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


@tool(
    name="list_subagents",
    description="List the subagents of this session that wait or run, with their progress.",
    input_schema=_NOTHING,
    safe_to_repeat=True,
)
def list_subagents(context: ToolContext) -> ToolResult:
    """Return the unfinished subagents, oldest first."""
    rows = Subagent.objects.filter(session_id=context.session_id).unfinished().order_by("queued_at")
    names = (
        "subagent_id", "title", "state", "progress", "stage", "queue_position", "estimated_wait_seconds",
        "attempt",
    )  # fmt: skip
    listed = [
        {name: value for name, value in payload.items() if name in names}
        for payload in subagent_payloads(rows)
    ]
    summary = "Nothing is running." if not listed else f"{len(listed)} at work or waiting."
    return ToolResult(summary=summary, data={"subagents": listed})


@tool(
    name="cancel_subagent",
    description="Cancel a subagent of this session by its id; without an id, the newest that is unfinished.",
    input_schema={
        "type": "object",
        "properties": {"subagent_id": {"type": "string", "format": "uuid", "maxLength": 36}},
        "additionalProperties": False,
    },
    safe_to_repeat=True,
)
def cancel_subagent(context: ToolContext, subagent_id: str = "") -> ToolResult:
    """Ask for the cancel. Raises `Refusal` (`not_found`) if there is nothing to cancel."""
    rows = Subagent.objects.filter(session_id=context.session_id)
    chosen = _by_id(rows, subagent_id) if subagent_id else rows.unfinished().order_by("-queued_at").first()
    if chosen is None:
        raise not_found("subagent to cancel")
    cancelled = gateway.cancel(chosen.pk)
    if cancelled.state == Subagent.State.RUNNING:
        return ToolResult(summary=f"{cancelled.title} was told to stop.", data={"title": cancelled.title})
    return ToolResult(summary=f"{cancelled.title} is {cancelled.state}.", data={"title": cancelled.title})


@tool(
    name="export_session",
    description="Export this session to a file that the user can download: json or markdown.",
    input_schema={
        "type": "object",
        "properties": {
            "format": {"type": "string", "maxLength": 40},
            "include_metadata": {"type": "boolean"},
        },
        "required": ["format"],
        "additionalProperties": False,
    },
)
def export_session(context: ToolContext, format: str, include_metadata: bool = True) -> ToolResult:
    """Queue the export. Raises `Refusal` (`unsupported_format`)."""
    options = {"include_metadata": include_metadata}
    subagent = gateway.request_export(context.session_id, format, options)
    summary = f"{subagent.title} is on its way; the download appears in the chat."
    return ToolResult(summary=summary, data={"subagent_id": str(subagent.pk)})


def _by_id(rows: SubagentQuerySet, subagent_id: str) -> Subagent | None:
    try:
        return rows.filter(pk=UUID(subagent_id)).first()
    except ValueError:
        raise not_found("subagent to cancel") from None
