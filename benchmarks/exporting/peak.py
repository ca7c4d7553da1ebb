"""The most memory that a program and all below it hold together (Linux).

Resident bytes are looked at every 20 ms, which costs next to nothing; shared pages count for each process in
them. The proportional set, which counts them once, takes milliseconds to learn, so that it is read only when
the resident bytes are at a new height: what is timed meanwhile is not held up.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from tests.installation import children

SAMPLE_SECONDS = 0.02
STEP_MB = 1.0


@dataclass(frozen=True)
class Ran:
    """What a program printed, and the most that its processes held at once (MB)."""

    output: str
    peak_mb: float


def run(module: str, *arguments: str) -> Ran:
    """Run a module of this project to its end. Raises `CalledProcessError`."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = _Watch(process.pid)
        watch.start()
        output, _ = process.communicate()
        watch.over.set()
        watch.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Ran(output, watch.peak_mb)


class _Watch(threading.Thread):
    """Looks at a process and all below it until it is told that they are over."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._highest = 0.0
        self.over = threading.Event()
        self.peak_mb = 0.0

    def run(self) -> None:
        """Look again and again."""
        while not self.over.wait(SAMPLE_SECONDS):
            pids = list(_family(self._pid))
            resident = sum(_megabytes(pid, "rss") for pid in pids)
            if resident > self._highest + STEP_MB:
                self._highest = resident
                self.peak_mb = max(self.peak_mb, sum(_megabytes(pid, "pss") for pid in pids))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in children(pid):
        yield from _family(child)


def _megabytes(pid: int, kind: str) -> float:
    try:
        process = psutil.Process(pid)
        memory = process.memory_info() if kind == "rss" else process.memory_full_info()
    except psutil.Error:  # it has ended just now
        return 0.0
    return float(getattr(memory, kind)) / 1e6
