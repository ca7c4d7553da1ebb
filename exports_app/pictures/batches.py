"""Pictures converted together: one process for several, and another for those after one that ends it."""

import json
import os
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


def convert(
    context: ToolContext, sources: Mapping[str, Path], folder: Path, on_made: Callable[[], None]
) -> dict[str, Outcome]:
    """Convert files into `folder` and return what became of each, by its name.

    `on_made` is called for each. Whichever ends the process that converts it is broken. Raises `Stopped`, and
    `OSError` if no process can be started or the disk does not take a picture.
    """
    outcomes: dict[str, Outcome] = {}
    while left := [name for name in sources if name not in outcomes]:
        outcomes |= _run(context, [sources[name] for name in left], folder, on_made)
        outcomes.setdefault(next((name for name in left if name not in outcomes), left[0]), BROKEN)
        on_made()
    return outcomes


def _run(
    context: ToolContext, sources: list[Path], folder: Path, on_made: Callable[[], None]
) -> dict[str, Outcome]:
    command = subprocesses.python_command(
        "exports_app.pictures.converting",
        str(folder),
        *map(str, sources),
        limits=Limits(memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES),
    )
    outcomes: dict[str, Outcome] = {}

    def receive(line: bytes) -> None:
        outcomes.update([_outcome(json.loads(line), folder)])
        on_made()

    with suppress(_TooLong, TooLong):
        subprocesses.run(context, command, on_output=Lines(receive), on_error=Tail(), watch=_limited())
    return outcomes


def _outcome(told: Mapping[str, Any], folder: Path) -> tuple[str, Outcome]:
    """Return the name of a picture and what became of it. Raises `OSError` if the disk did not take it."""
    if "errno" in told:
        raise OSError(told["errno"], os.strerror(told["errno"]))
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
