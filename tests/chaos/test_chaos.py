"""A small chaos run of a whole installation, and what becomes of one that is stopped."""

import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.environment import database_environment
from tests.installation import ROOT, all_pids, environment_of

# A quiet machine needs half a minute.
RUN_SECONDS = 240
LAST_LINE = re.compile(r"chaos subagents( \w+=\d+)+")


def _chaos(*arguments: str) -> subprocess.Popen[str]:
    where = database_environment().get("DATABASE_URL", "")
    database = ("--database-url", where) if where else ("--database", "sqlite")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos", *database, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _folder(printed: str) -> str:
    found = re.search(r" in (/\S+/mcpchat-chaos-\w+)", printed)
    assert found, printed
    return found[1]


def _processes(folder: str) -> list[int]:
    return [pid for pid in all_pids() if f"={folder}" in environment_of(pid)]


@pytest.mark.timeout(RUN_SECONDS + 30)
def test_every_invariant_holds_while_everything_is_killed() -> None:
    amounts = ("--subagents", "150", "--kills", "8", "--redis-kills", "1", "--wipes", "1")
    process = _chaos(*amounts, "--seconds", "150", "--seed", "4")
    printed, _ = process.communicate(timeout=RUN_SECONDS)
    last = printed.splitlines()[-1]
    assert LAST_LINE.fullmatch(last), printed
    assert set(re.findall(r"=(\d+)", last)) == {"0"}, printed
    assert re.search(r"submitted +150\n", printed), printed
    # It is only worth something that a cap was kept where it was reached.
    assert re.search(r"overlap in exports +3 at most, 3 allowed", printed), printed
    assert re.search(r"overlap in tools +[678] at most", printed), printed
    assert "broker 1" in printed
    assert "wipe 1" in printed
    assert process.returncode == 0
    assert not Path(_folder(printed)).exists()


def test_a_run_that_is_interrupted_leaves_nothing() -> None:
    process = _chaos("--subagents", "5000", "--kills", "0", "--redis-kills", "0", "--wipes", "0")
    assert process.stdout is not None
    printed, deadline = "", time.monotonic() + 60
    while " ended" not in printed and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.2)[0]:
            printed += process.stdout.readline()
    folder = _folder(printed)
    assert _processes(folder)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 130
    assert not Path(folder).exists()
    assert _processes(folder) == []
