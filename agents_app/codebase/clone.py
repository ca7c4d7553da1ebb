"""Fetching a repository into a folder of this attempt: its newest commit, then what history is cheap."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from agents_app.codebase import git_errors
from agents_app.codebase.address import Address
from agents_app.codebase.git import Git, Pinned, find, pin
from agents_app.codebase.git_progress import CHECKING_OUT, FETCHING, Progress
from agents_app.codebase.history import History, deepen
from agents_app.codebase.inventory import Inventory
from agents_app.codebase.source import Source
from agents_app.context import ToolContext, ToolError
from agents_app.isolation import networks
from agents_app.isolation.subprocesses import Command, Tail, run
from agents_app.stages import Stage

_SILENCE_SECONDS = 60.0
_FETCHED, _CHECKED_OUT = 0.6, 0.7


def clone(context: ToolContext, stage: Stage, address: Address, reference: str, max_bytes: int) -> Source:
    """Clone `reference` (or the default branch) of the repository at `address` into `context.workdir`.

    At most `max_bytes` are fetched, and at most as many written out. Raises `Stopped` and `ToolError`
    (`repository_unreachable`, `repository_not_found`, `repository_refused`, `repository_too_large`,
    `no_source_found`, `git_failed`, `git_missing`); no process of git is left then.
    """
    home = context.workdir / "home"
    home.mkdir()
    git = find(home, max_bytes)
    addresses = networks.resolve(context, address.host, address.port, trusted=address.trusted)
    cloning = _Cloning(context, git, context.workdir / "repository", max_bytes)
    pinned = pin(address, addresses)
    cloning.fetch(stage.part(0, _FETCHED), pinned, reference)
    inventory = cloning.take_inventory()
    cloning.check_out(stage.part(_FETCHED, _CHECKED_OUT))
    commit, committed_at = cloning.ask("log", "-1", "--format=%H %cI").split(" ", 1)
    branch = cloning.ask("branch", "--show-current")
    history = History(git=git, store=cloning.folder / ".git", commit=commit)
    fetched = f"refs/heads/{branch}" if branch else f"refs/tags/{reference}" if reference else "HEAD"
    deepen(context, stage.part(_CHECKED_OUT, 1), history, pinned, fetched)
    return Source(
        folder=cloning.folder,
        name=address.name,
        origin={"url": address.shown, "ref": reference},
        commit=commit,
        branch=branch,
        committed_at=committed_at,
        links=frozenset(inventory.links),
        submodules=inventory.submodules,
        history=history,
    )


@dataclass(frozen=True)
class _Cloning:
    """The steps of one clone; each raises `Stopped` and `ToolError`."""

    context: ToolContext
    git: Git
    folder: Path
    max_bytes: int

    def fetch(self, stage: Stage, pinned: Pinned, reference: str) -> None:
        """Fetch the newest commit without writing out its files."""
        progress = Progress(stage, FETCHING)
        command = self.git.command(
            *(
                "clone",
                "--depth=1",
                "--single-branch",
                "--no-tags",
                "--no-checkout",
                "--no-recurse-submodules",
            ),
            *("--template=", "--progress", *([f"--branch={reference}"] if reference else [])),
            *("--", pinned.url, str(self.folder)),
            settings=pinned.settings,
            extra=pinned.environment,
        )
        watch = _Watch(self.folder, progress, self.max_bytes)
        code = run(self.context, command, on_output=Tail(), on_error=progress, watch=watch)
        progress.close()
        said = "\n".join(progress.messages)
        if code != 0 or "remote HEAD refers to nonexistent ref" in said:
            raise git_errors.cause(progress.messages)
        if "appear to have cloned an empty repository" in said:
            raise ToolError("no_source_found", "The repository is empty.")

    def take_inventory(self) -> Inventory:
        """Count what the commit holds."""
        inventory, errors = Inventory(self.max_bytes), Tail()
        command = self._in_folder("ls-tree", "-r", "-l", "-z", "HEAD")
        if run(self.context, command, on_output=inventory, on_error=errors) != 0:
            raise git_errors.cause(errors.text().splitlines())
        return inventory

    def check_out(self, stage: Stage) -> None:
        """Write out the files of the commit."""
        progress = Progress(stage, CHECKING_OUT)
        command = self._in_folder("checkout", "--force", "--progress", "HEAD")
        code = run(self.context, command, on_output=Tail(), on_error=progress)
        progress.close()
        if code != 0:
            raise git_errors.cause(progress.messages)
        stage.at(1.0)

    def ask(self, *arguments: str) -> str:
        """Return what a git command prints, without the line's end."""
        answer, errors = Tail(), Tail()
        if run(self.context, self._in_folder(*arguments), on_output=answer, on_error=errors) != 0:
            raise git_errors.cause(errors.text().splitlines())
        return answer.text().strip()

    def _in_folder(self, *arguments: str) -> Command:
        return self.git.command("-C", str(self.folder), *arguments)


@dataclass
class _Watch:
    """Ends a fetch that grows too large or falls silent; called about twenty times a second."""

    folder: Path
    progress: Progress
    max_bytes: int
    _seen: tuple[float, ...] = ()
    _seen_at: float = field(default_factory=time.monotonic)
    _size: int = 0
    _next_look: float = 0.0

    def __call__(self) -> None:
        self._measure()
        if max(self._size, self.progress.received_bytes) > self.max_bytes:
            limit = self.max_bytes // 1024**2
            raise ToolError("repository_too_large", f"The repository is larger than {limit:,} MiB.")
        now = (self._size, self.progress.received_bytes, self.progress.stage.highest)
        if now != self._seen:
            self._seen, self._seen_at = now, time.monotonic()
        elif time.monotonic() - self._seen_at > _SILENCE_SECONDS:
            raise ToolError("repository_unreachable", "The repository's server stopped answering.")

    def _measure(self) -> None:
        began = time.monotonic()
        if began >= self._next_look:
            self._size = _folder_bytes(self.folder)
            # Looking takes a tenth of the time at most, however many files there are.
            self._next_look = time.monotonic() + 10 * (time.monotonic() - began)


def _folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below `folder`, which git may be changing meanwhile."""
    total = 0
    for where, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size
            except OSError:
                continue
    return total
