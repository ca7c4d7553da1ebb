"""One supervised process: how it is started, where its output goes, when it is started again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from mcpchat_project.supervisor.linux import dying_with_parent
from mcpchat_project.supervisor.processes import Process

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 30.0
LOG_MAX_BYTES = 10 * 1024 * 1024


class Backoff:
    """How long to wait before the next start: 0.1 s doubling to 10 s, from the beginning after 30 s of life."""

    def __init__(self) -> None:
        self.failures = 0

    def after(self, lived_seconds: float) -> float:
        """Return the seconds to wait after a life of `lived_seconds`."""
        self.failures = 1 if lived_seconds >= HEALTHY_SECONDS else self.failures + 1
        # The exponent is bounded: a float overflows after a thousand failures.
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** min(self.failures - 1, 10))


class Child:
    """A process that is running, or that is due to run at `due_at` (monotonic seconds)."""

    def __init__(self, process: Process, log_folder: Path) -> None:
        self.process = process
        self.log = log_folder / f"{process.name}.log"
        self.backoff = Backoff()
        self.due_at = 0.0
        self.started_at = 0.0
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process, which also leads its process group; None while there is none."""
        return None if self._running is None else self._running.pid

    def start(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone. Raises `OSError`."""
        self.started_at = time.monotonic()
        with _append(self.log) as log:
            self._running = subprocess.Popen(
                self.process.command,
                cwd=folder,
                env={**environment, **self.process.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_parent(),  # noqa: PLW1509  # the supervisor has one thread
            )

    def ended(self, exit_code: int) -> float:
        """Take note that it ended; return the seconds until it is due again."""
        if self._running is not None:
            self._running.returncode = exit_code
            _signal_group(self._running.pid, signal.SIGKILL)  # What it left behind in its own group.
        self._running = None
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
            _signal_group(self.pid, signal.SIGKILL)


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return  # macOS answers "not permitted" for a group of zombies.


def _append(log: Path) -> BinaryIO:
    """Open a log to add to it; a large one is put aside first, in place of the one put aside before."""
    if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
