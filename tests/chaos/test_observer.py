"""The observer sees work by its lock, of whatever process holds it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import ledger
from tests.chaos.ledger import Running
from tests.chaos.observer import Observer

WORKER = """
import subprocess, sys, time
from pathlib import Path
from tests.chaos import ledger
running = ledger.Running.named(sys.argv[2])
with ledger.held(Path(sys.argv[1]), running) as lock:
    child = subprocess.Popen(["sleep", "60"], pass_fds=[lock]) if sys.argv[3] == "family" else None
    print(child.pid if child else 0, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a run prepares it."""
    ledger.prepare(tmp_path)
    return tmp_path


@pytest.fixture
def worker(folder: Path) -> Any:
    """Start processes that hold the lock of an attempt; yields a starter of (process, pid of its child)."""
    started: list[subprocess.Popen[str]] = []

    def start(subagent: str, attempt: int = 1, what: str = "alone") -> tuple[subprocess.Popen[str], int]:
        running = Running(subagent=subagent, attempt=attempt, pid=1, pool="tools", kind="short")
        command = [sys.executable, "-c", WORKER, str(folder), running.file_name, what]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _notes(folder: Path, what: str) -> list[dict[str, Any]]:
    return [note for note in ledger.read(folder / ledger.OBSERVATIONS) if note["what"] == what]


def test_overlap_and_two_attempts_of_one_subagent_are_seen(folder: Path, worker: Callable[..., Any]) -> None:
    for subagent, attempt in (("a", 1), ("a", 2), ("b", 1)):
        worker(subagent, attempt)
    Observer(folder).sample()
    [sample] = _notes(folder, "sample")
    assert (sample["counts"], sample["twice"]) == ({"tools": 3}, ["a"])


def test_work_is_running_until_its_last_process_is_dead(folder: Path, worker: Callable[..., Any]) -> None:
    process, child = worker("a", what="family")
    observer = Observer(folder)
    process.kill()
    process.wait()
    observer.sample()
    assert _notes(folder, "gone") == []
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not _notes(folder, "gone") and time.monotonic() < deadline:
        observer.sample()
    [gone] = _notes(folder, "gone")
    assert (gone["subagent"], gone["attempt"]) == ("a", 1)
    assert os.listdir(folder / ledger.RUNNING) == []


def test_a_line_that_was_cut_short_does_not_spoil_the_next(folder: Path) -> None:
    path = folder / ledger.LEDGER
    ledger.append(path, {"what": "start"})
    with path.open("a") as file:
        file.write('\n{"what": "en')
    ledger.append(path, {"what": "effect"})
    assert [record["what"] for record in ledger.read(path)] == ["start", "effect"]
