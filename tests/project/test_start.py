"""The whole start, with every process of the server: from nothing to a logged-in browser, and to nothing."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from mcpchat_project.address import LOCK_NAME
from mcpchat_project.supervisor.broker import SETTINGS_NAME, free_port
from mcpchat_project.supervisor.linux import descendants
from tests.project.waiting import alive, until

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-m", "mcpchat_project.supervisor"]
NAMES = {"broker", "web", "beat", "agents", "chat", "keeper"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes are left")


class Installation:
    """A started server and what it said so far."""

    def __init__(self, var: Path, host: str = "127.0.0.1") -> None:
        self.port = free_port()
        self.var = var
        hidden = {"REDIS_URL", "DATABASE_URL", "ALLOWED_HOSTS", "MAKELEVEL"}
        self.environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self.environment |= {"MCPCHAT_VAR": str(var), "PORT": str(self.port), "HOST": host}
        self.output = (var / "output").open("w+")
        self.process = subprocess.Popen(
            COMMAND, cwd=ROOT, env=self.environment, stdout=self.output, stderr=subprocess.STDOUT
        )

    def said(self) -> str:
        """Return everything it printed so far."""
        return (self.var / "output").read_text()

    def link(self) -> str:
        """Return the login link, once everything is ready."""
        until(lambda: "is ready: " in self.said() or self.process.poll() is not None, 60)
        links = re.findall(r"^MCP Chat is ready: (\S+/login/link/\S+/)$", self.said(), re.MULTILINE)
        assert len(links) == 1, self.said()
        return str(links[0])

    def answer(self, path: str) -> int:
        """Return the HTTP status of a page, 0 while nobody answers."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", path)
                with connection.getresponse() as response:
                    return response.status
            except (OSError, http.client.HTTPException):
                return 0

    def children(self) -> dict[str, int]:
        """Return the process id of each process by the name of its log."""
        found = {}
        for pid in descendants(self.process.pid):
            # One may end while it is looked at.
            with suppress(OSError):
                parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
                if parent == str(self.process.pid):
                    found[Path(f"/proc/{pid}/fd/1").readlink().stem] = pid
        return found

    def stop(self) -> float:
        """Ask it to stop; return the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=10)
        self.output.close()
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server that is ready; started on empty data, once for this module."""
    one = Installation(tmp_path_factory.mktemp("var"))
    try:
        one.link()
        yield one
    finally:
        one.stop()


def refused(environment: dict[str, str]) -> str:
    """Start where a start must be refused; return what it says."""
    second = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)
    assert (second.returncode, second.stdout) == (1, "")
    return second.stderr


def test_the_printed_link_leads_to_a_page(installation: Installation) -> None:
    path = installation.link().partition(str(installation.port))[2]
    assert installation.answer(path) == 200
    assert installation.answer(path[:-2] + "/") == 410


def test_every_process_has_a_log(installation: Installation) -> None:
    assert {path.stem for path in (installation.var / "log").iterdir()} == NAMES
    assert set(installation.children()) == NAMES


def test_a_second_copy_on_the_same_data_is_refused(installation: Installation) -> None:
    expected = f"(process {installation.process.pid}, http://127.0.0.1:{installation.port})"
    said = refused(installation.environment | {"PORT": str(free_port())})
    assert said == f"MCP Chat already runs on this data {expected}.\n"


def test_a_port_that_is_taken_is_refused_before_anything_starts(
    installation: Installation, tmp_path: Path
) -> None:
    said = refused(installation.environment | {"MCPCHAT_VAR": str(tmp_path)})
    assert said.startswith(f"Port {installation.port} is taken by another program")
    assert not list((tmp_path / "log").iterdir())
    assert not (tmp_path / "run" / LOCK_NAME).exists()


def test_a_port_that_is_no_number_is_refused(tmp_path: Path) -> None:
    said = refused(os.environ | {"MCPCHAT_VAR": str(tmp_path), "PORT": "http"})
    assert said == "PORT must be a number from 1 to 65535, not 'http'.\n"


def test_all_processes_killed_at_once_come_back(installation: Installation) -> None:
    before = installation.children()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: set(installation.children()) == NAMES, 20)
    until(lambda: installation.answer("/readyz") == 200, 40)
    assert not set(before.values()) & set(installation.children().values())
    for name in NAMES:
        assert f"{name} was killed by SIGKILL; starting it again in 0.1 s" in installation.said()


def test_ctrl_c_leaves_no_process_no_lock_and_no_password(tmp_path: Path) -> None:
    one = Installation(tmp_path)
    try:
        one.link()
        pids = descendants(one.process.pid)
    finally:
        seconds = one.stop()
    assert seconds < 5
    assert one.process.returncode == 0
    assert len(pids) >= len(NAMES)
    assert not [pid for pid in pids if alive(pid)]
    assert not [name for name in (LOCK_NAME, SETTINGS_NAME) if (tmp_path / "run" / name).exists()]
