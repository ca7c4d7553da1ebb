"""The history of a repository that was cloned with its newest commit only: as much of it as is cheap."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents_app.codebase.git import Git, Pinned
from agents_app.codebase.git_progress import FETCHING, Progress
from agents_app.context import ToolContext
from agents_app.isolation.subprocesses import Command, Tail, run
from agents_app.stages import Stage

# Each is asked for when the one before came quickly: how much a history weighs is only known by fetching it.
DEPTHS = (200, 2_000, 50_000)
MAX_BYTES = 128 * 1024**2
BUDGET_SECONDS = 45.0
# The next depth is not begun when the one before took more than this part of what is allowed.
_QUICK = 0.25
# No index beside the objects is believed, and nobody's signature is checked: that runs a program.
_SETTINGS = (
    "core.commitGraph=false",
    "core.multiPackIndex=false",
    "log.showSignature=false",
    "i18n.logOutputEncoding=UTF-8",
)


@dataclass(frozen=True, kw_only=True)
class History:
    """Where history is: a git directory whose settings are this program's own, and a commit in it."""

    git: Git
    store: Path
    commit: str

    @property
    def is_shallow(self) -> bool:
        """Say whether the directory lacks some of the history."""
        return (self.store / "shallow").exists()

    def command(self, *arguments: str, settings: Sequence[str] = ()) -> Command:
        """Return a command of git on this history."""
        where = ("--git-dir", str(self.store), "--literal-pathspecs", "--no-replace-objects")
        return self.git.command(*where, *arguments, settings=(*_SETTINGS, *settings))


def deepen(context: ToolContext, stage: Stage, history: History, pinned: Pinned, reference: str) -> None:
    """Fetch more of the history of `reference` within `MAX_BYTES` and `BUDGET_SECONDS`; raises `Stopped`.

    What is there stays usable if the server refuses, breaks off or has too much. With the objects come all
    versions of all files: changed lines cannot be counted without, and one by one they cost far more.
    """
    budget = _Budget(history.store / "objects", time.monotonic() + BUDGET_SECONDS)
    for number, depth in enumerate(DEPTHS):
        part = stage.part(number / len(DEPTHS), (number + 1) / len(DEPTHS))
        if not history.is_shallow or not budget.has_room:
            break
        if not _fetch(context, part, history, pinned, reference, depth, budget):
            break
    stage.at(1.0)


class _TooMuch(Exception):
    """The history is larger or slower than it may be."""


class _Budget:
    """What may still be fetched; called about twenty times a second while git fetches."""

    def __init__(self, objects: Path, end: float) -> None:
        self._objects = objects
        self._end = end
        self._before = self._size()

    @property
    def has_room(self) -> bool:
        """Say whether a larger fetch is worth a try."""
        spent_bytes = (self._size() - self._before) / MAX_BYTES
        spent_seconds = 1 - (self._end - time.monotonic()) / BUDGET_SECONDS
        return max(spent_bytes, spent_seconds) < _QUICK

    def __call__(self) -> None:
        if time.monotonic() > self._end or self._size() - self._before > MAX_BYTES:
            raise _TooMuch

    def _size(self) -> int:
        """Return the bytes of the packs: what arrives is one pack a fetch, few files whatever they hold."""
        total = 0
        for file in (self._objects / "pack").glob("*"):
            with suppress(OSError):
                total += file.lstat().st_size
        return total


def _fetch(
    context: ToolContext,
    stage: Stage,
    history: History,
    pinned: Pinned,
    reference: str,
    depth: int,
    budget: _Budget,
) -> bool:
    progress = Progress(stage, FETCHING)
    command = history.git.command(
        *("--git-dir", str(history.store), "-c", "fetch.unpackLimit=1", "fetch", f"--depth={depth}"),
        *("--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"),
        *("--no-auto-maintenance", "--", pinned.url, reference),
        settings=pinned.settings,
        extra=pinned.environment,
    )
    try:
        code = run(context, command, on_output=Tail(), on_error=progress, watch=budget)
    except _TooMuch:
        return False
    return code == 0
