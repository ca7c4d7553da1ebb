"""Having files inspected by processes that may crash, hang or be killed without harm."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents_app.codebase.files import SourceFile
from agents_app.context import ToolContext
from agents_app.isolation.subprocesses import (
    Limits,
    Lines,
    Piped,
    Tail,
    TooLong,
    python_command,
    run_together,
)
from agents_app.stages import Remaining, Stage

SYMBOLS, MANIFEST, LICENCE = "symbols", "manifest", "licence"
BUDGET_SECONDS = 120.0
LANES = min(2, os.cpu_count() or 1)
_TASKS_A_LANE = 100
_SILENCE_SECONDS = 30.0
_RESTARTS_MAX = 25
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

    Many tasks are shared between `LANES` processes. An answer with `failed` says why there is no other. Tasks
    are not reached after `BUDGET_SECONDS`, or when too many files broke the processes. Raises `Stopped`.
    """
    work = _Work(stage, tasks, receive)
    count = min(LANES, 1 + len(tasks) // _TASKS_A_LANE)
    lanes = [_Lane(work, first, count, context.workdir / f"tasks-{first}") for first in range(count)]
    for _attempt in range(_RESTARTS_MAX):
        unfinished = [lane for lane in lanes if not lane.is_done]
        if not unfinished or work.out_of_time:
            break
        _attempt_rest(context, work, root, unfinished)
    work.receive_the_rest()
    stage.at(1.0)
    return work.unanswered


class _GaveUp(Exception):
    """The processes are not worth waiting for."""


class _Work:
    """All tasks, and how many of them are answered."""

    def __init__(self, stage: Stage, tasks: Sequence[Task], receive: Receive) -> None:
        self.tasks = tasks
        self.unanswered = len(tasks)
        self._stage = stage
        self._receive = receive
        self._answers: dict[int, Answer] = {}
        self._next = 0
        self._end = time.monotonic() + BUDGET_SECONDS
        self._remaining = Remaining()
        self._done = 0
        # Every file weighs a little beside its bytes, so that empty ones move the bar too.
        self._all = sum(_weight(task) for task in tasks)

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() > self._end

    def answer(self, position: int, answer: Answer) -> None:
        """Take the answer to the task at `position`; it is handed on when its turn has come."""
        self.unanswered -= 1
        self._answers[position] = answer
        while self._next in self._answers:
            self._receive(self.tasks[self._next], self._answers.pop(self._next))
            self._next += 1
        self._done += _weight(self.tasks[position])
        self._stage.at(self._done / self._all, self._remaining.seconds(self._done / self._all))

    def receive_the_rest(self) -> None:
        """Hand on what waits behind tasks that were not reached."""
        for position in sorted(self._answers):
            self._receive(self.tasks[position], self._answers[position])


class _Lane:
    """What one process does: each `step`th task from `first` on."""

    def __init__(self, work: _Work, first: int, step: int, stdin: Path) -> None:
        self._work = work
        self._positions = range(first, len(work.tasks), step)
        self._done = 0
        self._heard = 0.0
        self._lines: Lines | None = None
        self._stdin = stdin
        stdin.write_bytes(b"".join(_words(work.tasks[position]) for position in self._positions))

    @property
    def is_done(self) -> bool:
        return self._done == len(self._positions)

    @property
    def is_stuck(self) -> bool:
        silent = time.monotonic() - self._heard > _SILENCE_SECONDS
        return not self.is_done and (silent or (self._lines is not None and self._lines.overflowed))

    def begin(self, root: Path) -> Piped:
        """Return the process that works from the first task without an answer on."""
        self._heard = time.monotonic()
        module = "agents_app.codebase.inspecting"
        command = python_command(module, str(root), str(self._done), limits=_LIMITS, stdin=self._stdin)
        self._lines = Lines(lambda line: self.answer(json.loads(line)))
        return Piped(command, self._lines, Tail())

    def answer(self, answer: Answer) -> None:
        position = self._positions[self._done]
        self._done += 1
        self._heard = time.monotonic()
        self._work.answer(position, answer)


def _attempt_rest(context: ToolContext, work: _Work, root: Path, lanes: Sequence[_Lane]) -> None:
    """Let each lane's process work on; of one that breaks, the task without an answer broke it."""

    def watch() -> None:
        if work.out_of_time or any(lane.is_stuck for lane in lanes):
            raise _GaveUp

    try:
        run_together(context, [lane.begin(root) for lane in lanes], watch)
        broken = [lane for lane in lanes if not lane.is_done]
    except (_GaveUp, TooLong):
        broken = [lane for lane in lanes if lane.is_stuck]
    if not work.out_of_time:
        for lane in broken:
            lane.answer({"failed": BROKE})


def _words(task: Task) -> bytes:
    return task.kind.encode() + b"\0" + os.fsencode(task.file.path) + b"\0"


def _weight(task: Task) -> int:
    return task.file.size + 500
