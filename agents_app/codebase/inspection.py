"""Having files inspected by a process that may crash, hang or be killed without harm."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents_app.codebase.files import SourceFile
from agents_app.codebase.stages import Remaining, Stage
from agents_app.codebase.subprocesses import Limits, Tail, python_command, run
from agents_app.context import ToolContext

SYMBOLS, MANIFEST, LICENCE = "symbols", "manifest", "licence"
BUDGET_SECONDS = 120.0
_SILENCE_SECONDS = 30.0
_RESTARTS_MAX = 25
_LINE_MAX_BYTES = 8 * 1024**2
_LIMITS = Limits(memory_bytes=1024**3, file_bytes=0)

BROKE = "took too long or too much memory"
Answer = Mapping[str, Any]
Receive = Callable[["Task", Answer], None]


@dataclass(frozen=True)
class Task:
    """One file to look into; `kind` says for what."""

    kind: str
    file: SourceFile


def inspect(context: ToolContext, stage: Stage, root: Path, tasks: Sequence[Task], receive: Receive) -> int:
    """Call `receive` with the answer to each task, in order; return how many tasks were not reached.

    An answer with `failed` says why there is no other. Tasks are not reached after `BUDGET_SECONDS`, or when
    too many files broke the process. Raises `Stopped`.
    """
    work = _Work(stage, tasks, receive)
    stdin = context.workdir / "tasks"
    stdin.write_bytes(b"".join(_words(task) for task in tasks))
    for _attempt in range(_RESTARTS_MAX):
        if work.position == work.count or work.out_of_time:
            break
        _attempt_rest(context, work, root, stdin)
    stage.at(1.0)
    return work.count - work.position


class _GaveUp(Exception):
    """The process is not worth waiting for."""


class _Work:
    """How far the tasks are; called with each piece of what the process prints."""

    def __init__(self, stage: Stage, tasks: Sequence[Task], receive: Receive) -> None:
        self.position = 0
        self.count = len(tasks)
        self._stage = stage
        self._tasks = tasks
        self._receive = receive
        self._rest = b""
        self._end = time.monotonic() + BUDGET_SECONDS
        self._heard = time.monotonic()
        self._remaining = Remaining()
        self._done = 0
        # Every file weighs a little beside its bytes, so that empty ones move the bar too.
        self._all = sum(_weight(task) for task in tasks)

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() > self._end

    def begin(self) -> None:
        self._rest = b""
        self._heard = time.monotonic()

    def __call__(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self.answer(json.loads(line))
        if len(self._rest) > _LINE_MAX_BYTES:
            raise _GaveUp

    def answer(self, answer: Answer) -> None:
        task = self._tasks[self.position]
        self.position += 1
        self._heard = time.monotonic()
        self._done += _weight(task)
        self._receive(task, answer)
        self._stage.at(self._done / self._all, self._remaining.seconds(self._done / self._all))

    def watch(self) -> None:
        if self.out_of_time or time.monotonic() - self._heard > _SILENCE_SECONDS:
            raise _GaveUp


def _attempt_rest(context: ToolContext, work: _Work, root: Path, stdin: Path) -> None:
    """Let one process work from the first task without an answer on; if it breaks, that task broke it."""
    work.begin()
    command = python_command(
        "agents_app.codebase.inspecting", str(root), str(work.position), limits=_LIMITS, stdin=stdin
    )
    with suppress(_GaveUp):
        run(context, command, on_output=work, on_error=Tail(), watch=work.watch)
    if work.position < work.count and not work.out_of_time:
        work.answer({"failed": BROKE})


def _words(task: Task) -> bytes:
    return task.kind.encode() + b"\0" + os.fsencode(task.file.path) + b"\0"


def _weight(task: Task) -> int:
    return task.file.size + 500
