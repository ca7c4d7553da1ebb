"""The work of a chaos run: agent types and tools that an installation loads by MCPCHAT_TOOL_MODULES."""

import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.registry import AgentType, Plan, ToolResult, agent_type, tool
from tests.chaos import ledger
from tests.chaos.kinds import EXPORTS_AGENT, KINDS, REFUSED, TOOLS_AGENT, Kind
from tests.chaos.ledger import CHILD_MARK, FOLDER, Running

CHILD_SECONDS = 3600
TICK_SECONDS = 0.05
_SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": list(KINDS)}, "seconds": {"type": "number"}},
    "required": ["kind", "seconds"],
    "additionalProperties": False,
}


def prepare(task: Mapping[str, Any], session_id: UUID) -> Plan:
    """Validate `{"kind": …, "seconds": …}`."""
    kind = KINDS[task["kind"]]
    return Plan(
        tool_name="chaos",
        arguments=dict(task),
        title=f"Chaos: {kind.name}",
        safe_to_repeat=kind.safe,
        execution_timeout_seconds=kind.timeout_seconds,
    )


def execute(pool: str, context: ToolContext, _tool_name: str, arguments: Mapping[str, Any]) -> ToolResult:
    """Work in a pool's worker."""
    return work(context, pool, arguments["kind"], arguments["seconds"])


def work(context: ToolContext, pool: str, kind: str, seconds: float) -> ToolResult:
    """Write start, effect and end into the ledger and hold the attempt's lock between them."""
    folder = Path(os.environ[FOLDER])
    attempt = int(context.workdir.name.rpartition("-")[2])
    running = Running(
        subagent=str(context.subagent_id), attempt=attempt, pid=os.getpid(), pool=pool, kind=kind
    )
    with ledger.held(folder, running) as lock:
        ledger.note(folder, "start", running)
        try:
            if KINDS[kind].starts_child:
                _start_child(running, lock)
            _behave(context, KINDS[kind], seconds)
            ledger.note(folder, "effect", running)
        finally:
            ledger.note(folder, "end", running)
    return ToolResult(summary="Done.", data={"attempt": attempt})


def _start_child(running: Running, lock: int) -> None:
    """Leave a process behind, in our group: it holds the lock until somebody ends it."""
    environment = {**os.environ, CHILD_MARK: running.file_name}
    subprocess.Popen(["sleep", str(CHILD_SECONDS)], pass_fds=[lock], env=environment)


def _behave(context: ToolContext, kind: Kind, seconds: float) -> None:
    if kind.name in ("overtime", "idle"):
        time.sleep(seconds)
    elif kind.name == "deaf":
        _ignore_all(context, seconds)
    else:
        _progress(context, seconds)
    if REFUSED in kind.ends:
        raise ToolError(REFUSED, "It failed as asked.")


def _progress(context: ToolContext, seconds: float) -> None:
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        if seconds > TICK_SECONDS * 2:
            context.progress(100 * (1 - left / seconds), "working", left)
        time.sleep(min(left, TICK_SECONDS))


def _ignore_all(context: ToolContext, seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with suppress(Stopped):
            context.progress(1, "deaf")
        time.sleep(TICK_SECONDS)


@tool(name="chaos", description="Work.", input_schema=_SCHEMA, heavy=True, safe_to_repeat=True)
def chaos(context: ToolContext, kind: str, seconds: float) -> ToolResult:
    """Work as a tool of the ordinary executor."""
    return work(context, "tools", kind, seconds)


@tool(name="chaos_once", description="Work that must not be repeated.", input_schema=_SCHEMA, heavy=True)
def chaos_once(context: ToolContext, kind: str, seconds: float) -> ToolResult:
    """Work as a tool of the ordinary executor."""
    return work(context, "tools", kind, seconds)


for _name, _pool in ((TOOLS_AGENT, "tools"), (EXPORTS_AGENT, "exports")):
    agent_type(
        AgentType(
            name=_name, pool=_pool, prepare=prepare, execute=partial(execute, _pool), answers_in_chat=False
        )
    )
