"""Pictures converted together: one process for several, and another for those after one that ends it."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agents_app.context import ToolContext
from agents_app.isolation import subprocesses
from agents_app.isolation.subprocesses import Limits, Lines, Tail, TooLong
from exports_app.pictures.attached import Picture

MEMORY_BYTES = 512 * 1024**2
"""Of address space."""
FILE_BYTES = 1024**2
TIMEOUT_SECONDS = 120.0
BROKEN = "could not be shown"
PROBLEMS = {"large": "too large to be shown", "gone": "no longer kept", "broken": BROKEN}
_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}

Outcome = Picture | str
"""A picture, or why there is none."""


class _TooLong(Exception):
    """The process is not done in time."""


def convert(context: ToolContext, sources: Mapping[str, Path], folder: Path) -> dict[str, Outcome]:
    """Convert files into `folder` and return what became of each, by its name.

    Whichever ends the process that converts it is broken. Raises `Stopped`, and `OSError` if no process can
    be started.
    """
    outcomes: dict[str, Outcome] = {}
    while left := [name for name in sources if name not in outcomes]:
        outcomes |= _run(context, [sources[name] for name in left], folder)
        outcomes.setdefault(next((name for name in left if name not in outcomes), left[0]), BROKEN)
    return outcomes


def _run(context: ToolContext, sources: list[Path], folder: Path) -> dict[str, Outcome]:
    command = subprocesses.python_command(
        "exports_app.pictures.converting",
        str(folder),
        *map(str, sources),
        limits=Limits(memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES),
    )
    outcomes: dict[str, Outcome] = {}
    lines = Lines(lambda line: outcomes.update([_outcome(json.loads(line), folder)]))
    with suppress(_TooLong, TooLong):
        subprocesses.run(context, command, on_output=lines, on_error=Tail(), watch=_limited())
    return outcomes


def _outcome(told: Mapping[str, Any], folder: Path) -> tuple[str, Outcome]:
    name = str(told["name"])
    if "problem" in told:
        return name, PROBLEMS[told["problem"]]
    return name, Picture(
        path=folder / f"{name}{told['suffix']}",
        content_type=_TYPES[told["suffix"]],
        width=int(told["width"]),
        height=int(told["height"]),
    )


def _limited() -> Callable[[], None]:
    until = time.monotonic() + TIMEOUT_SECONDS

    def look() -> None:
        if time.monotonic() > until:
            raise _TooLong

    return look
