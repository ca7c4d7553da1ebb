"""The web processes of a run: the installation's own, and more on the same data."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from mcpchat_project.supervisor.linux import dying_with_parent
from tests.installation import ROOT, Installation
from tests.postgres import free_port

ASK_SECONDS = 0.3


class Webs:
    """Number 0 is the supervisor's, who starts it again itself. Use it in the main thread."""

    def __init__(self, house: Installation, count: int, log: Path) -> None:
        self.peak_bytes = 0
        self._house, self._log = house, log
        self._ports = [house.port, *(free_port() for _ in range(count - 1))]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        # What the supervisor gives to its own.
        self._environment = {**house.environment, "REDIS_URL": house.broker_address()}

    @property
    def urls(self) -> list[str]:
        """Where they listen."""
        return [f"http://127.0.0.1:{port}" for port in self._ports]

    def start(self) -> None:
        """Start those that the supervisor does not know."""
        for number in range(1, len(self._ports)):
            self._start(number)

    def stop(self) -> None:
        """End those that the supervisor does not know."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def kill(self, number: int) -> None:
        """SIGKILL one and have it started again. Raises `StopIteration` if the supervisor's does not run."""
        self.weigh()
        os.kill(self._pid(number), signal.SIGKILL)
        if number:
            self._processes[number].wait()
            self._start(number)

    def answer(self) -> bool:
        """Whether all of them answer."""
        return all(_answers(port) for port in self._ports)

    def weigh(self) -> None:
        """Note the most memory that any of them has held so far in its life."""
        for number in range(len(self._ports)):
            with suppress(StopIteration, OSError):
                self.peak_bytes = max(self.peak_bytes, _peak_bytes(self._pid(number)))

    def _pid(self, number: int) -> int:
        return self._processes[number].pid if number else self._house.process_named("web")

    def _start(self, number: int) -> None:
        where = ("--host", "127.0.0.1", "--port", str(self._ports[number]))
        how = ("--ws", "websockets-sansio", "--no-access-log", "--log-level", "warning")
        command = [sys.executable, "-m", "uvicorn", "mcpchat_project.asgi:application", *where, *how]
        with self._log.open("ab") as log:
            self._processes[number] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_parent(),
            )


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peaks[0]) * 1024 if peaks else 0
