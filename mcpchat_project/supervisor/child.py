"""One supervised process: how it is started, where its output goes, when it is started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mcpchat_project.supervisor.linux import dying_with_parent
from mcpchat_project.supervisor.processes import Process
from mcpchat_project.supervisor.signals import Signals

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 5.0
LOG_MAX_BYTES = 10 * 1024 * 1024


class Backoff:
    """How long to wait before the next start: 0.1 s doubling to 10 s, anew after 5 s of life."""

    def __init__(self) -> None:
        self.failures = 0

    def after(self, lived_seconds: float) -> float:
        """Return the seconds to wait after a life of `lived_seconds`."""
        self.failures = 1 if lived_seconds >= HEALTHY_SECONDS else self.failures + 1
        # The exponent is bounded: a float overflows after a thousand failures.
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(self.failures - 1, 10))


class Forked(BaseException):
    """Raised in a forked child: `process` is what it must become."""

    def __init__(self, process: Process) -> None:
        self.process = process


class Child:
    """A process that is running, or that is due to run at `due_at` (monotonic seconds).

    It writes into `log`; None means into the output of this process.

    `pid` is its id, and that of the session and process group that it leads; None while it does not run.
    """

    def __init__(self, process: Process, log_folder: Path | None, *, forked: bool = False) -> None:
        self.process = process
        self.forked = forked
        self.log = log_folder / f"{process.name}.log" if log_folder else None
        self.backoff = Backoff()
        self.due_at = 0.0
        self.started_at = 0.0
        self.pid: int | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone. Raises `OSError`."""
        self.started_at = time.monotonic()
        with _append(self.log) as log:
            self._program = subprocess.Popen(
                self.process.command,
                cwd=folder,
                env={**os.environ, **self.process.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_parent(),
            )
        self.pid = self._program.pid

    def fork(self, folder: Path, signals: Signals) -> None:
        """Start it as a copy of this process, which has loaded already what it would load. Raises `OSError`.

        In the copy this raises `Forked`: whoever catches that becomes the process.
        """
        self.started_at = time.monotonic()
        tie = dying_with_parent()
        with _append(self.log) as log:
            self.pid = os.fork()
            if self.pid == 0:
                tie()
                _detach(folder, log.fileno())
                signals.forget()
                raise Forked(self.process)

    def ended(self, exit_code: int) -> float:
        """Take note that it ended; return the seconds until it is due again."""
        if self._program is not None:
            self._program.returncode = exit_code
        if self.pid is not None:
            _send(os.killpg, self.pid)  # What it left behind in its own group.
        self.pid = None
        return self.delay()

    def delay(self) -> float:
        """Make it due again after the next waiting time, which is returned in seconds."""
        seconds = self.backoff.after(time.monotonic() - self.started_at)
        self.due_at = time.monotonic() + seconds
        return seconds

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process alone: it knows how to stop its children."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to it and its process group."""
        if self.pid is not None:
            _send(os.killpg, self.pid)
            _send(os.kill, self.pid)  # One that was forked just now leads no group yet.


def _detach(folder: Path, log: int) -> None:
    """Give a forked child a session, a folder, input and output of its own, or end it."""
    try:
        os.setsid()
        os.chdir(folder)
        sys.stdout.flush()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
    except OSError:
        # Going on would make it a second supervisor.
        os._exit(1)


def _send(send: Callable[[int, int], None], pid: int) -> None:
    try:
        send(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # macOS answers "not permitted" for a group of zombies.


def _append(log: Path | None) -> BinaryIO:
    """Open a log to add to it; a large one is put aside first, in place of the one put aside before.

    Without a log it is our own output.
    """
    if log is None:
        return os.fdopen(os.dup(1), "ab")
    if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
