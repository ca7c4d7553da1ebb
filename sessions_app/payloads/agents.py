"""Payloads about what thinks or works in a session: turns, tool calls, subagents, exports."""

from typing import Annotated, Any, NotRequired, TypedDict

from sessions_app.payloads.forms import RUN_STATES, Id, OneOf, Time
from sessions_app.payloads.sessions import Error

SUBAGENT_STATES = OneOf("queued", "admitted", "running", "succeeded", "failed", "cancelled")
APPROVAL_STATES = OneOf("pending", "allowed", "refused", "dropped")
SubagentState = Annotated[
    str, SUBAGENT_STATES, "the last three are final; `admitted` has a slot and is about to start"
]
Percent = Annotated[float, "percent, 0 to 100"]
SecondsLeft = Annotated[float | None, "an estimate; null if there is none"]
_ARGUMENTS = 'as they were given; `{"truncated": true, "bytes": N}` in their place if over 4 KB'


class UsagePayload(TypedDict):
    """What requests to models took together."""

    requests: Annotated[int, "how many times a model was asked; 0 with the demo model, which counts nothing"]
    input_tokens: Annotated[int, "with those that came from a cache"]
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Annotated[
        str | None,
        "US dollars as a decimal number, by published prices; null if no request has one",
    ]
    unpriced_requests: Annotated[int, "those whose price is not known: `cost_usd` is without them"]
    estimated_requests: Annotated[
        int,
        "those whose tokens the provider did not report, such as one that was cut off; they are estimated",
    ]


class ModelUsage(UsagePayload):
    """What the requests to one model took."""

    model: Annotated[str, "`provider:model`"]


class SessionUsage(UsagePayload):
    """What all requests of a session took, also those of turns that failed and for its title."""

    models: Annotated[list[ModelUsage], "the same by model"]


class TurnPayload(TypedDict):
    """A turn: one answer of the main agent to all messages that waited."""

    turn_id: Id
    model: Annotated[str, "`provider:model`"]
    attempt: Annotated[int, "from 1; grows when the process died and another goes on"]
    up_to_seq: NotRequired[
        Annotated[int, "only in `turn.started`: it took up each message that waited, up to this `seq`"]
    ]
    duration_ms: NotRequired[Annotated[int, "from the start of this attempt; only once it has ended"]]
    usage: NotRequired[Annotated[UsagePayload, "what it took; only once it has ended"]]
    error: NotRequired[Annotated[Error, "only if it failed"]]


class TurnRetry(TypedDict):
    """The model could not be asked just now: the answer goes on by itself."""

    turn_id: Id
    error: Annotated[Error, "what it would fail with if it did not try again"]
    retry_in_seconds: float


class TurnWithheld(TypedDict):
    """Results wake the main agent no more, until the user says something: they did too often."""

    error: Annotated[Error, "code `too_many_wakes`"]


class ToolCallPayload(TypedDict):
    """A fast call of the main agent or of a program, as it stands."""

    call_id: Id
    seq: Annotated[int, "place in the session: the `seq` of `tool.started`"]
    turn_id: Annotated[Id | None, "the turn that made it; null if a program did"]
    tool_name: str
    title: Annotated[str, "for people"]
    args: Annotated[dict[str, Any], _ARGUMENTS]
    state: Annotated[str, RUN_STATES]
    duration_ms: NotRequired[Annotated[int, "only once it has ended"]]
    result: NotRequired[
        Annotated[
            dict[str, Any],
            "only if it succeeded: `summary` (Markdown) and `data` (the tool's own); "
            '`{"truncated": true, "bytes": N}` in its place if over 6 KB, except in the answer to one call',
        ]
    ]
    error: NotRequired[Annotated[Error, "only if it failed"]]
    subagent_id: NotRequired[
        Annotated[Id, "only if it took long and goes on in the background, as this subagent"]
    ]
    created_at: Time


class ToolProgress(TypedDict):
    """How far a fast call is, at most 10 a second."""

    call_id: Id
    progress: Annotated[float, "percent, 0 to 100; 0 while it is not known"]
    stage: Annotated[str, "what it is doing, in the tool's own words"]


class ApprovalPayload(TypedDict):
    """A call of the main agent that its user was asked for, as it stands."""

    approval_id: Annotated[Id, "also the `call_id` of the call, once it is made"]
    seq: Annotated[int, "place in the session: the `seq` of `approval.requested`"]
    turn_id: Annotated[Id, "the turn that waits"]
    tool_name: str
    title: Annotated[str, "for people"]
    args: Annotated[dict[str, Any], _ARGUMENTS]
    edited: Annotated[bool, "whether the user changed the arguments"]
    state: Annotated[str, APPROVAL_STATES, "`dropped` if the turn ended before the user decided"]
    scope: Annotated[str, "what was allowed: `once`, `session` or `always`; else empty"]
    reason: Annotated[str, "why it was refused, if the user said so; the model is told"]
    created_at: Time


class FilePayload(TypedDict):
    """A file that work delivered; uploads are alike once they are there whole."""

    file_id: Annotated[Id, "what tools take as `file`"]
    name: Annotated[str, "the name it is downloaded under; not to be trusted as markup"]
    size: Annotated[int, "bytes"]
    sha256: Annotated[str, "of its bytes, in hexadecimal"]
    content_type: Annotated[str, "by its content; a download is an attachment whatever it is"]
    download_url: Annotated[str, "a path on this server"]
    expires_at: Annotated[Time, "when the file is deleted; a download then answers 410"]


class SubagentPayload(TypedDict):
    """A subagent, which is a piece of heavy work, as it stands."""

    subagent_id: Id
    seq: Annotated[int, "place in the session: the `seq` of its first `subagent.queued`"]
    turn_id: Annotated[Id | None, "the turn that handed it out; null if a program did"]
    agent_type: Annotated[str, "what kind of agent does it, such as `tool_executor` or `export_agent`"]
    pool: Annotated[str, "whose cap it counts against, such as `tools` or `exports`"]
    tool_name: Annotated[str, "of an export: its format"]
    title: Annotated[str, "for people"]
    args: Annotated[dict[str, Any], _ARGUMENTS]
    state: SubagentState
    attempt: Annotated[int, "from 1; grows when its process died and it is queued again"]
    progress: Percent
    stage: Annotated[str, "what it is doing, in the tool's own words; empty before its first progress"]
    estimated_seconds_left: SecondsLeft
    queue_position: Annotated[int | None, "1 starts next; null unless queued"]
    estimated_wait_seconds: Annotated[float | None, "until it starts; null unless queued, or if not known"]
    cancel_requested: Annotated[bool, "whether somebody cancelled it: it ends within seconds"]
    queued_at: Time
    started_at: Annotated[Time | None, "start of this attempt"]
    finished_at: Time | None
    queue_ms: Annotated[int | None, "from `queued_at` to `started_at`"]
    duration_ms: Annotated[int | None, "from `started_at` to `finished_at`"]
    result: Annotated[
        dict[str, Any] | None,
        "`summary` (Markdown); partial, and says so by `partial`, if the work did not finish; "
        '`{"truncated": true, "bytes": N}` in its place if over 6 KB. '
        "Its `data` is at `GET /api/subagents/{id}/`",
    ]
    summary_html: Annotated[str, "the sanitised HTML of the result's summary"]
    has_report: Annotated[
        bool, "whether the message with its result is a report, and so more than its summary"
    ]
    error: Annotated[Error | None, "null unless it failed"]
    files: Annotated[
        list[FilePayload],
        "the first that this attempt delivered, 20 at most, fewer where they do not fit; "
        "also of work that was cancelled or failed",
    ]
    files_total: Annotated[int, "how many it delivered"]


class SubagentProgress(TypedDict):
    """How far a subagent is: at most 10 a second, and at each new stage.

    While it waits: where it stands in the queue, when that has changed.
    """

    subagent_id: Id
    attempt: NotRequired[Annotated[int, "only while it runs"]]
    progress: Percent
    stage: Annotated[str, "what it is doing, in the tool's own words; empty while queued"]
    estimated_seconds_left: SecondsLeft
    queue_position: NotRequired[Annotated[int, "1 starts next; only while queued"]]
    estimated_wait_seconds: NotRequired[
        Annotated[float | None, "until it starts, null if not known; only while queued"]
    ]


class ExportPayload(TypedDict):
    """An export as it stands. The events of its subagent tell the rest."""

    export_id: Id
    subagent_id: Annotated[Id, "the work that makes the file"]
    session_id: Annotated[Id, "the chat that shows it; of an archive not what is in it"]
    session_count: Annotated[int, "how many chats the file has; until it is there, how many were asked for"]
    is_archive: Annotated[bool, "whether the file is a zip with a file for each chat"]
    format: Annotated[str, "such as `json` or `markdown`; of an archive that of the files in it"]
    state: SubagentState
    file_name: Annotated[str, "the name it is downloaded under; empty until the file is there"]
    file_size: Annotated[int | None, "bytes"]
    sha256: Annotated[str, "of the file, in hexadecimal; empty until the file is there"]
    download_url: Annotated[
        str | None, "a path on this server; null until the file is there, and it stays when the file is gone"
    ]
    duration_ms: Annotated[int | None, "from its start to its end"]
    expires_at: Annotated[Time | None, "when the file is deleted"]
    error: Annotated[Error | None, "null unless it failed"]


class ExportProgress(TypedDict):
    """How far an export is, as often as its subagent's progress."""

    export_id: Id
    subagent_id: Id
    progress: Percent
    stage: Annotated[str, "`rendering` (of an archive `rendering 3 of 12`), then `storing`"]
    estimated_seconds_left: SecondsLeft


class McpServerPayload(TypedDict):
    """An MCP server that a turn of the session connected to, or tried to."""

    server_id: Id
    name: Annotated[str, "begins the names of its tools: `NAME__TOOL`"]
    protocol_version: Annotated[str, "of the last connection; empty if there was none"]
    tool_count: Annotated[int, "how many tools it offered when it was last connected"]
    error: NotRequired[Annotated[Error, "only if it failed"]]
