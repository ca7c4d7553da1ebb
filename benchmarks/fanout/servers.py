"""The three servers, each one uvicorn process with the flags of the product."""

import os
import resource
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import psutil

from benchmarks.installation import ROOT, end
from mcpchat_project.address import Address
from mcpchat_project.supervisor.linux import dying_with_parent
from mcpchat_project.supervisor.processes import processes
from tests.postgres import free_port

OURS = "mcpchat_project.asgi:application"
APPLICATIONS = {
    "ours": OURS,
    "stock": "benchmarks.fanout.stock:application",
    "bare": "benchmarks.fanout.bare:application",
}
# All clients are one user's, whose session they watch.
ENVIRONMENT = {"FEED_SOCKETS_PER_USER": "2000"}
START_SECONDS = 30.0
FILES = 4096
"""What a server, or the process of its clients, may have to open."""


class Server:
    """A server of this name (a key of `APPLICATIONS`); a context manager around its process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()

    def __enter__(self) -> Self:
        # Beside the data of the installation that this runs in; gone with it.
        self._log = Path(os.environ["MCPCHAT_VAR"]).parent / f"{self.name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=os.environ | ENVIRONMENT,
                stdout=log,
                stderr=log,
                preexec_fn=dying_with_parent(),
            )
        self._watched = psutil.Process(self._process.pid)
        try:
            self._wait()
        except BaseException:
            end(self._process)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)

    def cpu_seconds(self) -> float:
        """Return how long it has been on a processor so far."""
        times = self._watched.cpu_times()
        return float(times.user + times.system)

    def rss_megabytes(self) -> float:
        """Return how much memory it has now."""
        return float(self._watched.memory_info().rss / 2**20)

    def _command(self) -> list[str]:
        """Return the product's own command, with another application in it."""
        address = Address(host="127.0.0.1", port=self.port)
        web = next(
            process
            for process in processes(address, agents_concurrency=1, chat_concurrency=1)
            if process.name == "web"
        )
        return [APPLICATIONS[self.name] if word == OURS else word for word in web.command]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the server {self.name} did not start:\n{self._log.read_text()[-2000:]}")


def allow_many_files() -> None:
    """Let this process and those it starts open enough. Raises `RuntimeError` where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        raise RuntimeError(f"a process must be allowed {FILES} open files (ulimit -Hn says {hard})")
    if soft != resource.RLIM_INFINITY and soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
