"""Commands that are run to their end or ended with all they started, while progress is told."""

import os
import selectors
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import agents_app
from agents_app.context import ToolContext
from agents_app.isolation import processes

POLL_SECONDS = 0.05
LINE_MAX_BYTES = 8 * 1024**2
_CHUNK_BYTES = 64 * 1024
_PROJECT = Path(agents_app.__file__).resolve().parent.parent
# The shell sets the limits and becomes the command: Popen's preexec_fn is unsafe beside threads. A limit
# that the system does not know (memory on macOS) or has lower already is left as it is. Without the signal a
# file that is too large is an error that the command can name.
_LIMITED = (
    'trap "" XFSZ; ulimit -c 0; ulimit -f "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; shift 2; exec "$@"'
)

Receive = Callable[[bytes], None]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a command may use: bytes of address space, and bytes of the largest file it may write."""

    memory_bytes: int
    file_bytes: int


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command with its whole environment; nothing of the worker's own environment is passed on."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    limits: Limits
    stdin: Path | None = None


@dataclass(frozen=True)
class Piped:
    """A command, and where what it writes goes."""

    command: Command
    on_output: Receive
    on_error: Receive


def run(
    context: ToolContext,
    command: Command,
    *,
    on_output: Receive,
    on_error: Receive,
    watch: Callable[[], None] = lambda: None,
) -> int:
    """Run `command` and return its exit code (negative for a signal).

    What it writes goes to `on_output` and `on_error` piece by piece; `watch` is called about twenty times a
    second. Whatever any of them raises, and `Stopped` from `context.check()`, ends the command with all
    its descendants first. Raises `OSError` if it cannot be started.
    """
    return run_together(context, [Piped(command, on_output, on_error)], watch)[0]


def run_together(
    context: ToolContext, piped: Sequence[Piped], watch: Callable[[], None] = lambda: None
) -> list[int]:
    """Run commands at the same time and return their exit codes; else as `run` does with one."""
    mark = uuid.uuid4().hex
    with ExitStack() as open_pipes:
        started: list[subprocess.Popen[bytes]] = []
        try:
            started.extend(open_pipes.enter_context(_start(one.command, mark)) for one in piped)
            _pump(context, zip(started, piped, strict=True), watch)
            return [_exit_code(context, process, watch) for process in started]
        except BaseException:
            for process in started:
                processes.end(process, mark)
            raise


def python_command(module: str, *arguments: str, limits: Limits, stdin: Path | None = None) -> Command:
    """Return the command that runs a module of this project in a bare Python of its own."""
    return Command(
        arguments=[sys.executable, "-E", "-s", "-B", "-m", module, *arguments],
        folder=_PROJECT,
        environment={"PATH": os.environ.get("PATH", os.defpath), "PYTHONUTF8": "1"},
        limits=limits,
        stdin=stdin,
    )


class TooLong(Exception):
    """A line of what a command writes has more bytes than one may have."""


class Lines:
    """Hands on what it receives line by line. Raises `TooLong` for one of more than `LINE_MAX_BYTES`."""

    def __init__(self, take: Receive) -> None:
        self._take = take
        self._rest = b""
        self.overflowed = False

    def __call__(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._require_short(line)
            self._take(line)
        self._require_short(self._rest)

    def _require_short(self, line: bytes) -> None:
        if len(line) > LINE_MAX_BYTES:
            self.overflowed = True
            raise TooLong


class Tail:
    """Keeps the last `limit` bytes of what it receives."""

    def __init__(self, limit: int = 8 * 1024) -> None:
        self._limit = limit
        self._kept = b""

    def __call__(self, chunk: bytes) -> None:
        self._kept = (self._kept + chunk)[-self._limit :]

    def text(self) -> str:
        """Return what was kept, bytes that are not UTF-8 replaced."""
        return self._kept.decode(errors="replace")


def _start(command: Command, mark: str) -> subprocess.Popen[bytes]:
    limits = [str(command.limits.file_bytes // 512), str(command.limits.memory_bytes // 1024)]
    with (command.stdin or Path(os.devnull)).open("rb") as stdin:
        return subprocess.Popen(
            ["/bin/sh", "-c", _LIMITED, "limited", *limits, *command.arguments],
            cwd=command.folder,
            env={**command.environment, processes.MARK: mark},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def _pump(
    context: ToolContext,
    running: Iterable[tuple[subprocess.Popen[bytes], Piped]],
    watch: Callable[[], None],
) -> None:
    """Hand on what processes write until all have closed their pipes."""
    looked = 0.0
    with selectors.DefaultSelector() as selector:
        for process, piped in running:
            selector.register(cast(IO[bytes], process.stdout), selectors.EVENT_READ, piped.on_output)
            selector.register(cast(IO[bytes], process.stderr), selectors.EVENT_READ, piped.on_error)
        while selector.get_map():
            for key, _events in selector.select(POLL_SECONDS):
                _receive(selector, key)
            if time.monotonic() - looked >= POLL_SECONDS:
                looked = time.monotonic()
                watch()
                context.check()


def _receive(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    chunk = os.read(key.fd, _CHUNK_BYTES)
    if chunk:
        key.data(chunk)
    else:
        selector.unregister(key.fileobj)


def _exit_code(context: ToolContext, process: subprocess.Popen[bytes], watch: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            watch()
            context.check()
