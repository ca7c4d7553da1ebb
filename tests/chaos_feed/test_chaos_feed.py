"""A small run against a whole installation, and what becomes of one that is stopped."""

import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.environment import database_environment
from tests.installation import ROOT, all_pids, children, command_line, environment_of

# A quiet machine needs a quarter of a minute.
RUN_SECONDS = 110
COUNTS = ("lost", "doubled", "reordered", "wrong", "text_gaps", "text_wrong", "unexpected", "problems")


def _chaos_feed(*arguments: str) -> subprocess.Popen[str]:
    where = database_environment().get("DATABASE_URL", "")
    database = ("--database-url", where) if where else ("--database", "sqlite")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos_feed", *database, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _folder(printed: str) -> str:
    found = re.search(r" in (/\S+/mcpchat-chaos-feed-\w+)", printed)
    assert found, printed
    return found[1]


def _processes(folder: str) -> list[int]:
    return [pid for pid in all_pids() if f"={folder}" in environment_of(pid)]


def _figures(printed: str) -> dict[str, int]:
    last = printed.splitlines()[-1]
    assert last.startswith("chaos feed "), printed
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", last)}


@pytest.mark.timeout(RUN_SECONDS + 30)
def test_nothing_is_lost_or_doubled_while_the_feed_is_cut_and_killed() -> None:
    done = ("--bursts", "1", "--cuts", "1", "--web-kills", "1", "--broker-kills", "0", "--wipes", "0")
    process = _chaos_feed("--clients", "8", "--events", "300", "--speakers", "1", "--seed", "1", *done)
    printed, _ = process.communicate(timeout=RUN_SECONDS)
    figures = _figures(printed)
    assert {name: figures[name] for name in COUNTS} == dict.fromkeys(COUNTS, 0), printed
    assert figures["events"] > 300
    assert figures["deliveries"] >= figures["events"]
    assert re.search(r"^done .*\bcut 1", printed, re.MULTILINE), printed
    assert re.search(r"^done .*\bweb 1", printed, re.MULTILINE), printed
    assert process.returncode == 0
    assert not Path(_folder(printed)).exists()


def test_a_run_that_is_interrupted_leaves_nothing() -> None:
    process = _chaos_feed("--clients", "5", "--cuts", "500")
    assert process.stdout is not None
    printed, deadline = "", time.monotonic() + 60
    while "a burst" not in printed and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.2)[0]:
            printed += process.stdout.readline()
    folder = _folder(printed)
    began = {*_processes(folder), *children(process.pid)}
    assert len(began) > 5
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 130
    assert not Path(folder).exists()
    assert _processes(folder) == []
    assert [pid for pid in began if command_line(pid)] == []
