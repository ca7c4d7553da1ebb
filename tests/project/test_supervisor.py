"""The supervisor with real processes: small programs in place of the server's."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.project.waiting import alive, until

ROOT = Path(__file__).resolve().parent.parent.parent
# Each program writes its process id first, so that a test knows whom to ask about.
WRITE_PID = "import os, signal, subprocess, sys, time; open('{name}.pid', 'w').write(str(os.getpid()));"
QUIET = "time.sleep(300)"
STUBBORN = (
    "signal.signal(signal.SIGTERM, lambda *_: open('asked', 'w').close()); open('deaf', 'w').close();"
    "end = time.time() + 300\nwhile time.time() < end: time.sleep(1)"
)
HIDES_A_CHILD = (
    "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)'], start_new_session=True);"
    "open('hidden.pid', 'w').write(str(child.pid)); time.sleep(300)"
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes are left")
Start = Callable[..., "Running"]


class Running:
    """A supervisor that was started, and what it said so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = (folder / "output").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.project.stand_in", str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        """Return everything it printed so far."""
        return (self.folder / "output").read_text()

    def pid(self, name: str) -> int:
        """Return the process id that a program wrote, once it has."""
        path = self.folder / f"{name}.pid"
        until(lambda: path.exists() and path.read_text())
        return int(path.read_text())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to stop; return the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=10)
        return time.monotonic() - begun

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process.poll() is None:
            self.stop()
        self.output.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a supervisor of programs: `start(web=code, ...)`."""
    running: list[Running] = []

    def begin(*, forked: bool = False, **programs: str) -> Running:
        items: list[dict[str, Any]] = [
            {"name": name, "code": WRITE_PID.format(name=name) + code, "forked": forked}
            for name, code in programs.items()
        ]
        (tmp_path / "processes.json").write_text(json.dumps(items))
        one = Running(tmp_path)
        running.append(one)
        until(lambda: "started" in one.said() or one.process.poll() is not None)
        return one

    yield begin
    for one in running:
        one.end()


def test_a_killed_process_is_started_again_and_a_line_says_so(start: Start) -> None:
    running = start(web=QUIET)
    first = running.pid("web")
    os.kill(first, signal.SIGKILL)
    until(lambda: running.pid("web") != first)
    assert alive(running.pid("web"))
    assert "web was killed by SIGKILL; starting it again in 0.1 s" in running.said()


def test_a_process_that_keeps_failing_is_retried_with_growing_delays_and_its_log_is_named(
    start: Start, tmp_path: Path
) -> None:
    running = start(chat="sys.exit('no model')")
    until(lambda: "0.4 s" in running.said())
    lines = [line for line in running.said().splitlines() if line.startswith("chat")]
    assert lines[0] == "chat ended with exit code 1; starting it again in 0.1 s"
    assert lines[1] == "chat ended with exit code 1; starting it again in 0.2 s"
    assert lines[2] == f"chat ended with exit code 1; starting it again in 0.4 s; see {tmp_path / 'chat.log'}"
    assert "no model" in (tmp_path / "chat.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_every_process_and_the_exit_code_is_0(start: Start, number: signal.Signals) -> None:
    running = start(web=QUIET, broker=QUIET)
    pids = [running.pid("web"), running.pid("broker")]
    assert running.stop(number) < 2
    assert running.process.returncode == 0
    assert not any(alive(pid) for pid in pids)
    assert not (running.folder / "lock").exists()


def test_a_process_deaf_to_sigterm_is_gone_within_five_seconds(start: Start) -> None:
    running = start(agents=STUBBORN)
    until((running.folder / "deaf").exists)
    assert 3 < running.stop() < 5
    assert not alive(running.pid("agents"))


def test_a_second_request_to_stop_ends_the_waiting(start: Start) -> None:
    running = start(agents=STUBBORN)
    until((running.folder / "deaf").exists)
    running.process.send_signal(signal.SIGINT)
    until((running.folder / "asked").exists)
    assert running.stop(signal.SIGINT) < 2


def test_an_orphan_in_a_session_of_its_own_is_killed_at_the_end(start: Start) -> None:
    running = start(agents=HIDES_A_CHILD)
    hidden = running.pid("hidden")
    os.kill(running.pid("agents"), signal.SIGKILL)
    until(lambda: "started" in running.said() and "SIGKILL" in running.said())
    assert alive(hidden)
    running.stop()
    assert not alive(hidden)


def test_the_broker_is_the_last_to_be_asked(start: Start) -> None:
    note = (
        "signal.signal(signal.SIGTERM, lambda *a: (open('order', 'a').write('{name} '), time.sleep({pause}),"
        " sys.exit()) and None); open('{name}.ready', 'w'); time.sleep(300)"
    )
    running = start(broker=note.format(name="broker", pause=0), agents=note.format(name="agents", pause=0.5))
    until(lambda: (running.folder / "broker.ready").exists() and (running.folder / "agents.ready").exists())
    running.stop()
    assert (running.folder / "order").read_text() == "agents broker "


def test_processes_die_with_a_killed_supervisor_and_the_next_start_works(start: Start) -> None:
    running = start(web=QUIET)
    first = running.pid("web")
    running.process.kill()
    running.process.wait(timeout=5)
    until(lambda: not alive(first), 2)
    (running.folder / "web.pid").unlink()
    assert alive(start(web=QUIET).pid("web"))


def test_a_second_supervisor_on_the_same_data_is_refused_in_one_sentence(start: Start) -> None:
    running = start(web=QUIET)
    command = [sys.executable, "-m", "tests.project.stand_in", str(running.folder)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert second.stderr == (
        f"MCP Chat already runs on this data (process {running.process.pid}, http://127.0.0.1:8000).\n"
    )
    assert alive(running.pid("web"))


def test_a_forked_process_has_its_own_session_its_log_and_the_usual_signals(
    start: Start, tmp_path: Path
) -> None:
    code = (
        "print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGTERM), sys.stdin.read() == '');"
        "sys.stdout.flush(); time.sleep(300)"
    )
    running = start(forked=True, web=code)
    pid = running.pid("web")
    until((tmp_path / "web.log").read_text)
    assert (tmp_path / "web.log").read_text() == f"True {signal.SIG_DFL!s} True\n"
    running.stop()
    assert not alive(pid)


def _is_a_copy(pid: int) -> bool:
    return b"tests.project.stand_in" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_forked_process_is_forked_again_and_a_new_program_if_it_dies_again_soon(start: Start) -> None:
    running = start(forked=True, web=QUIET)
    pids = [running.pid("web")]
    for copy in (True, False):
        os.kill(pids[-1], signal.SIGKILL)
        until(lambda: running.pid("web") != pids[-1])
        pids.append(running.pid("web"))
        assert _is_a_copy(pids[-1]) is copy


def test_a_forked_process_dies_with_a_killed_supervisor(start: Start) -> None:
    running = start(forked=True, web=QUIET)
    first = running.pid("web")
    os.kill(first, signal.SIGKILL)
    until(lambda: running.pid("web") != first)
    second = running.pid("web")
    running.process.kill()
    running.process.wait(timeout=5)
    until(lambda: not alive(second), 2)


def test_a_large_log_is_put_aside_at_a_start(start: Start, tmp_path: Path) -> None:
    (tmp_path / "web.log").write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    running = start(web="print('fresh', flush=True);" + QUIET)
    running.pid("web")
    until(lambda: (tmp_path / "web.log").read_text() == "fresh\n")
    assert (tmp_path / "web.log.1").stat().st_size > 10 * 1024 * 1024
