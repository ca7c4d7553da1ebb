"""Starts MCP Chat as `make run` does, in a folder of its own, and hurts it."""

import http.client
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import redis

from mcpchat_project.supervisor.linux import dying_with_parent
from tests.postgres import free_port

ROOT = Path(__file__).resolve().parents[1]
MARKS = {
    "web": "uvicorn",
    "agents": "agents@",
    "chat": "chat@",
    "beat": " beat ",  # The others have an option of that name: --without-heartbeat.
    "keeper": " keeper ",
    "broker": "valkey",
}


class Installation:
    """A running installation in `folder`, on the embedded defaults and what `environment` changes of them.

    Start it in the main thread: it dies with its starter.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Nothing of the run's own settings.
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self.environment = inherited | {
            "MCPCHAT_VAR": str(folder),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "PACKAGE_REGISTRIES": "off",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.link = ""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait for the printed link."""
        command = [sys.executable, "-m", "mcpchat_project.supervisor"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dying_with_parent(),
        )
        self.link = self._printed_link()

    def stop(self) -> float:
        """Stop by SIGTERM and return how many seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        if self.process.stdout:
            self.process.stdout.close()
        return time.monotonic() - began

    def manage(self, *arguments: str) -> str:
        """Run a management command on the installation's data and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def identities(self, kind: str) -> list[dict[str, Any]]:
        """Return the lock files of a kind of process: pid and start."""
        return [body for body in self.locks() if body["kind"] == kind]

    def locks(self) -> list[dict[str, Any]]:
        """Return the lock files of all processes: kind, pid and start."""
        found = (_json(path) for path in (self.folder / "run" / "locks").glob("*.lock"))
        return [body for body in found if body]

    def process_named(self, name: str) -> int:
        """Return the pid of a process of the supervisor's: web, agents, chat, beat, keeper, broker.

        Raises `StopIteration` if it does not run now.
        """
        assert self.process is not None
        pids = children(self.process.pid)
        # The children of a worker that was killed are the supervisor's for a moment, and look like it.
        orphans = {body["pid"] for body in self.identities("agents")} if name == "agents" else set()
        return next(pid for pid in pids if MARKS[name] in command_line(pid) and pid not in orphans)

    def kill(self, name: str) -> None:
        """SIGKILL a process of the supervisor's."""
        os.kill(self.process_named(name), signal.SIGKILL)

    def broker_address(self) -> str:
        """Return the address of the embedded broker, with its password."""
        lines = (self.folder / "run" / "broker.conf").read_text().splitlines()
        options = dict(line.split(maxsplit=1) for line in lines if " " in line)
        password = options["requirepass"].strip('"')
        return f"redis://:{password}@127.0.0.1:{options['port']}/0"

    def wipe_broker(self) -> None:
        """Forget everything in the broker. Raises `redis.RedisError` if it is away."""
        with redis.Redis.from_url(self.broker_address()) as client:
            client.flushall()

    def answers(self, seconds: float) -> bool:
        """Whether the web process answers within some seconds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def processes_with(self, text: str) -> list[int]:
        """Return the pids of all processes on the machine whose command line has `text`."""
        return [pid for pid in all_pids() if text in command_line(pid)]

    def work_folders(self) -> list[str]:
        """Return the names of the attempts' folders that are left."""
        return [path.name for path in (self.folder / "work").iterdir()]

    def _abandon(self) -> None:
        """End what could not be started: all its processes die with the supervisor."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def _printed_link(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        seen = ""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                line = self.process.stdout.readline()
                seen += line
                if found := re.search(r"http://\S+/login/link/\S+", line):
                    return found[0]
                if not line:
                    break
        raise AssertionError(f"MCP Chat did not start:\n{seen}")


def all_pids() -> list[int]:
    """Return the pids of all processes on the machine."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def children(pid: int) -> list[int]:
    """Return the pids of the children of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text().split()]
        except OSError:  # the thread ended just now
            continue
    return found


def command_line(pid: int) -> str:
    """Return the command line of a process; nothing if it is gone."""
    return _proc_text(pid, "cmdline")


def environment_of(pid: int) -> str:
    """Return the environment that a process was started with, NAME=VALUE words; nothing if it is gone."""
    return _proc_text(pid, "environ")


def _proc_text(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None
