"""Tools of the tests' own: they take time, stop badly, start children, as asked."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.files.reading import readable
from agents_app.registry import ToolResult, tool

_SCHEMA = {
    "type": "object",
    "properties": {
        "seconds": {"type": "number", "minimum": 0, "maximum": 600},
        "ledger": {"type": "string"},
        "child": {"type": "boolean"},
        "fail": {"type": "string"},
    },
    "additionalProperties": False,
}


def _note(ledger: str, line: str) -> None:
    if ledger:
        with open(ledger, "a") as file:
            file.write(f"{line}\n")


@tool(
    name="probe", description="Work for some seconds.", input_schema=_SCHEMA, heavy=True, safe_to_repeat=True
)
def probe(
    context: ToolContext, seconds: float = 0, ledger: str = "", child: bool = False, fail: str = ""
) -> ToolResult:
    """Tell progress 20 times a second; heed a cancel; write start and end into the ledger."""
    _note(ledger, f"start {context.subagent_id}")
    if child:
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(600)  # {context.subagent_id}"])
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        context.progress(100 * elapsed / seconds, "working", seconds - elapsed)
        if elapsed > seconds / 2:
            context.keep("half of it")
        time.sleep(0.05)
    if fail:
        raise ToolError(fail, "It failed as asked.")
    _note(ledger, f"end {context.subagent_id}")
    return ToolResult(summary="Done as asked.", data={"seconds": seconds}, report="# Probe\n\nDone as asked.")


@tool(name="probe_once", description="Work that must not be repeated.", input_schema=_SCHEMA, heavy=True)
def probe_once(context: ToolContext, **arguments: object) -> ToolResult:
    """Work as `probe` does."""
    return probe(context, **arguments)


@tool(
    name="probe_stubborn",
    description="Work that ignores cancels and starts a child.",
    input_schema=_SCHEMA,
    heavy=True,
    safe_to_repeat=True,
    execution_timeout_seconds=600,
)
def probe_stubborn(context: ToolContext, seconds: float = 0, ledger: str = "", **_: object) -> ToolResult:
    """Sleep without looking; a tool that swallows its stop must be ended by force."""
    _note(ledger, f"start {context.subagent_id}")
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(600)  # {context.subagent_id}"])
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with suppress(Stopped):
            context.progress(1, "deaf")
        time.sleep(0.05)
    return ToolResult(summary="Slept.")


@tool(
    name="probe_brief",
    description="Work with an execution timeout of one second.",
    input_schema=_SCHEMA,
    heavy=True,
    safe_to_repeat=True,
    execution_timeout_seconds=1,
)
def probe_brief(context: ToolContext, **arguments: object) -> ToolResult:
    """Work as `probe_stubborn` does, for longer than it may."""
    return probe_stubborn(context, **arguments)


@tool(
    name="probe_deaf",
    description="Work that goes on after everything but SIGKILL.",
    input_schema=_SCHEMA,
    heavy=True,
    safe_to_repeat=True,
)
def probe_deaf(context: ToolContext, seconds: float = 0, **_: object) -> ToolResult:
    """Swallow also the exception by which a shutdown ends work."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with suppress(BaseException):
            time.sleep(0.05)
    return ToolResult(summary="Slept.")


@tool(
    name="probe_poison",
    description="Work that kills its process.",
    input_schema=_SCHEMA,
    heavy=True,
    safe_to_repeat=True,
)
def probe_poison(context: ToolContext, **_: object) -> ToolResult:
    """Die as by a fault in a library, each time."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")


@tool(
    name="probe_asked",
    description="Echo, once the user agrees.",
    input_schema={
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    },
    approval="ask",
)
def probe_asked(context: ToolContext, text: str) -> ToolResult:
    """Return the text."""
    return ToolResult(summary=text, data={"text": text})


@tool(
    name="probe_fast",
    description="Echo.",
    input_schema={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
)
def probe_fast(context: ToolContext, text: str) -> ToolResult:
    """Return the text."""
    return ToolResult(summary=text, data={"text": text})


def _wait_for(gate: str) -> None:
    """Wait until the file `gate` is there, a minute at most."""
    deadline = time.monotonic() + 60
    while gate and not Path(gate).exists() and time.monotonic() < deadline:
        time.sleep(0.02)


_HELD_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("ledger", "gate", "check_gate")},
    "additionalProperties": False,
}


def _check_held(check_gate: str = "", **_: str) -> None:
    _wait_for(check_gate)


def _held(context: ToolContext, ledger: str = "", gate: str = "", **_: str) -> ToolResult:
    """Take effect (a line in the ledger), then wait for the gate without looking."""
    _note(ledger, "effect")
    _wait_for(gate)
    return ToolResult(summary="It had its effect.")


tool(
    name="probe_held",
    description="An effect that must not be repeated, then a wait.",
    input_schema=_HELD_SCHEMA,
    check=_check_held,
)(_held)
tool(
    name="probe_held_safe",
    description="An effect that may be repeated, then a wait.",
    input_schema=_HELD_SCHEMA,
    check=_check_held,
    safe_to_repeat=True,
)(_held)


@tool(name="probe_heeding", description="Wait until stopped.", input_schema={"type": "object"})
def probe_heeding(context: ToolContext) -> ToolResult:
    """Look for a stop, as tools should."""
    while True:
        context.check()
        time.sleep(0.02)


@tool(
    name="probe_file",
    description="Say what a file is.",
    input_schema={
        "type": "object",
        "properties": {"file": {"type": "string", "format": "file-id", "maxLength": 100}},
        "required": ["file"],
        "additionalProperties": False,
    },
    safe_to_repeat=True,
)
def probe_file(context: ToolContext, file: str) -> ToolResult:
    """Read the file."""
    found = readable(context.owner_id, file)
    size = len(found.path.read_bytes())
    return ToolResult(summary=f"{found.name}: {size} bytes", data={"size": size, "sha256": found.sha256})


@tool(
    name="probe_deliver",
    description="Deliver files, then work on.",
    input_schema={
        "type": "object",
        "properties": {
            "count": {"type": "integer"},
            "size": {"type": "integer"},
            "seconds": {"type": "number"},
            "die": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    heavy=True,
    safe_to_repeat=True,
)
def probe_deliver(
    context: ToolContext, count: int = 1, size: int = 10, seconds: float = 0, die: bool = False
) -> ToolResult:
    """Deliver `count` files of `size` bytes that name their work folder, then work for some seconds.

    With `die` the first attempt kills its process after that.
    """
    for number in range(count):
        path = context.workdir / f"{number}"
        path.write_bytes(context.workdir.name.encode().ljust(size, b"."))
        context.deliver(path, f"{number}.txt")
        context.progress(50 * (number + 1) / count, "delivering")
    if die and context.workdir.name.endswith("-1"):
        os.kill(os.getpid(), signal.SIGKILL)
    probe(context, seconds=seconds)
    return ToolResult(summary=f"{count} files.")
