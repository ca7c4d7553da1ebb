"""What can be done: the tools, and the agent types that do them.

A tool is one function with a declaration in front of it, in one file under `agents_app/tools/`:

    @tool(name="word_count", description="Count the words of a text.", input_schema={...})
    def word_count(context, text):
        return ToolResult(summary=f"{len(text.split())} words", data={"words": len(text.split())})

It returns a `ToolResult` or raises `ToolError`; it knows neither Celery, Channels nor models.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jsonschema
from django.core.exceptions import ImproperlyConfigured

from agents_app.context import ToolContext
from agents_app.models import Subagent
from sessions_app import plain
from sessions_app.errors import Refusal
from sessions_app.events import SessionChange
from sessions_app.payloads import SubagentProgress

CHAT_QUEUE = "chat"


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What a tool gives back.

    `summary` is one or two sentences of Markdown for people, `data` is JSON for programs, `report` is a
    whole Markdown document that the chat shows, or empty.
    """

    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)
    report: str = ""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A declared tool. Times are in seconds; `execution_timeout_seconds` bounds one attempt.

    `approval` is allow, ask or deny. One that is `in_chat_worker` can be called there alone; without
    `idle_timeout_seconds` its pool says how long it may go without progress.
    """

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    run: Callable[..., ToolResult]
    check: Callable[..., None] | None
    heavy: bool
    safe_to_repeat: bool
    execution_timeout_seconds: float
    idle_timeout_seconds: float | None = None
    approval: str = "allow"
    in_chat_worker: bool = False
    output_schema: Mapping[str, Any] | None = None
    permit: Callable[..., None] | None = None

    @property
    def queue(self) -> str:
        """The queue that carries it as a subagent, if that is not its pool's own."""
        return CHAT_QUEUE if self.in_chat_worker else ""

    def validate(self, arguments: object) -> dict[str, Any]:
        """Return `arguments` if they fit the schema and the tool's own check; raise `Refusal` if not."""
        if not isinstance(arguments, dict):
            raise Refusal("invalid_arguments", f"The arguments of {self.name} must be a JSON object.")
        flaw = (
            _flaw_of_text(arguments)
            or _flaw_by_schema(self.input_schema, arguments)
            or _flaw_of_names(self, arguments)
        )
        if flaw:
            raise Refusal("invalid_arguments", f"{self.name}: {flaw[:500]}")
        if self.check is not None:
            self.check(**arguments)
        return arguments


TOOLS: dict[str, Tool] = {}


def tool(
    *,
    name: str,
    description: str,
    input_schema: Mapping[str, Any],
    title: str = "",
    check: Callable[..., None] | None = None,
    permit: Callable[..., None] | None = None,
    heavy: bool = False,
    safe_to_repeat: bool = False,
    execution_timeout_seconds: float | None = None,
    approval: str = "allow",
    in_chat_worker: bool = False,
    output_schema: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., ToolResult]], Callable[..., ToolResult]]:
    """Declare the decorated function `(context, **arguments) -> ToolResult` as a tool.

    `check(**arguments)` runs before anything is queued and raises `Refusal`; so does `permit(owner_id,
    **arguments)`, which knows whose call it is. A `heavy` tool runs as a subagent. `safe_to_repeat` says that
    running it again after a crash does no harm. The timeout defaults to 300 s for heavy tools and 30 s for
    the others. With `approval="ask"` the main agent calls it only once its user has agreed. `output_schema`
    tells programs what the `data` of its results is.

    Raises `ImproperlyConfigured` for a name that is taken or malformed and for an invalid schema.
    """

    def declare(function: Callable[..., ToolResult]) -> Callable[..., ToolResult]:
        _check_declaration(name, input_schema)
        TOOLS[name] = Tool(
            name=name,
            title=title or name.replace("_", " ").capitalize(),
            description=description,
            input_schema=input_schema,
            run=function,
            check=check,
            permit=permit,
            heavy=heavy,
            safe_to_repeat=safe_to_repeat,
            execution_timeout_seconds=execution_timeout_seconds or (300 if heavy else 30),
            approval=approval,
            in_chat_worker=in_chat_worker,
            output_schema=output_schema,
        )
        return function

    return declare


def find_tool(name: str) -> Tool:
    """Return the tool called `name`; raise `Refusal` (`unknown_tool`) with the names there are."""
    try:
        return TOOLS[name]
    except KeyError:
        known = ", ".join(sorted(TOOLS))
        raise Refusal(
            "unknown_tool", f"There is no tool {name[:80]!r}. Tools: {known}.", status=404
        ) from None


def _nothing(*_arguments: object) -> None:
    """The hook of an agent type that has none."""


@dataclass(frozen=True, kw_only=True)
class AgentType:
    """A kind of subagent: the pool it runs in and what it does.

    `prepare(task, session_id)` validates a task and returns its `Plan`, or raises `Refusal`.
    `execute(context, tool_name, arguments)` does the work in the pool's worker. The `on_` hooks run in the
    transaction of the transition that they are named after; `on_progress` when progress is announced. With
    `answers_in_chat` the result becomes a message and wakes the main agent.
    """

    name: str
    pool: str
    prepare: Callable[[Mapping[str, Any], UUID], "Plan"]
    execute: Callable[[ToolContext, str, Mapping[str, Any]], ToolResult]
    answers_in_chat: bool = True
    on_submitted: Callable[[SessionChange, Subagent], None] = _nothing
    on_started: Callable[[SessionChange, Subagent], None] = _nothing
    on_finished: Callable[[SessionChange, Subagent], None] = _nothing
    on_progress: Callable[[UUID, SubagentProgress], None] = _nothing


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A validated task: what a subagent row will say. `title` is for people.

    `queue` is where its id goes and `idle_timeout_seconds` how long it may go without progress, if not as the
    pool says.
    """

    tool_name: str
    arguments: Mapping[str, Any]
    title: str
    safe_to_repeat: bool
    execution_timeout_seconds: float
    idle_timeout_seconds: float | None = None
    queue: str = ""


AGENT_TYPES: dict[str, AgentType] = {}


def agent_type(kind: AgentType) -> None:
    """Add a kind of subagent; apps call this in `AppConfig.ready`."""
    AGENT_TYPES[kind.name] = kind


def find_agent_type(name: str) -> AgentType:
    """Return the agent type called `name`; raise `Refusal` (`unknown_agent_type`) with those there are."""
    try:
        return AGENT_TYPES[name]
    except KeyError:
        known = ", ".join(sorted(AGENT_TYPES))
        raise Refusal(
            "unknown_agent_type", f"There is no agent type {name[:80]!r}. Types: {known}."
        ) from None


def _check_declaration(name: str, schema: Mapping[str, Any]) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ImproperlyConfigured(f"The tool name {name!r} is not lower-case words joined by underscores.")
    if name in TOOLS:
        raise ImproperlyConfigured(f"Two tools are called {name!r}.")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ImproperlyConfigured(
            f"The input schema of tool {name!r} is invalid: {error.message}"
        ) from error


def _flaw_of_text(arguments: dict[str, Any]) -> str:
    """Return why no store takes the arguments, or an empty string."""
    try:
        plain.json_bytes(arguments)
    except ValueError as error:
        return str(error)
    return ""


def _flaw_by_schema(schema: Mapping[str, Any], arguments: dict[str, Any]) -> str:
    validator = jsonschema.Draft202012Validator(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(arguments))
    if error is None:
        return ""
    where = error.json_path.removeprefix("$").removeprefix(".")
    return f"{where}: {error.message}" if where else error.message


def _flaw_of_names(tool: Tool, arguments: dict[str, Any]) -> str:
    """Return which argument the functions do not take though the schema lets it in, or an empty string."""
    try:
        inspect.signature(tool.run).bind(None, **arguments)
        if tool.check is not None:
            inspect.signature(tool.check).bind(**arguments)
    except TypeError as error:
        return str(error)
    return ""
