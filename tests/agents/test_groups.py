"""What a tool starts ends with its attempt; a process is known by more than its number."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from agents_app import process_groups
from tests.project.waiting import alive, until

LEADER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
sys.stdin.read(1)
from agents_app import process_groups
process_groups.kill_others()
print(child.wait(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[str]]:
    """A process that leads a group and has a child in it; a line of input makes it kill the others."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        if process_groups.members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_children_left_over_are_killed_and_the_leader_lives(leader: subprocess.Popen[str]) -> None:
    child = int(_line(leader))
    assert sorted(process_groups.members(leader.pid)) == sorted([leader.pid, child])
    assert leader.stdin is not None
    leader.stdin.write("x")
    leader.stdin.flush()
    assert _line(leader) == str(-signal.SIGKILL)
    assert leader.poll() is None


def test_a_signal_reaches_every_process_of_the_group(leader: subprocess.Popen[str]) -> None:
    child = int(_line(leader))
    ticks = process_groups.start_ticks(leader.pid)
    assert ticks is not None
    assert not process_groups.is_gone(leader.pid, ticks)
    assert process_groups.send(leader.pid, ticks, signal.SIGKILL)
    until(lambda: not alive(child) and not alive(leader.pid))
    until(lambda: process_groups.is_gone(leader.pid, ticks))


def test_a_group_outlives_its_leader_and_can_still_be_ended(leader: subprocess.Popen[str]) -> None:
    child = int(_line(leader))
    ticks = process_groups.start_ticks(leader.pid) or 0
    leader.kill()
    leader.wait()
    assert not process_groups.is_gone(leader.pid, ticks)
    assert process_groups.send(leader.pid, ticks, signal.SIGKILL)
    until(lambda: not alive(child))
    until(lambda: process_groups.is_gone(leader.pid, ticks))


def test_a_number_that_was_used_again_is_left_alone(leader: subprocess.Popen[str]) -> None:
    _line(leader)
    ticks = process_groups.start_ticks(leader.pid) or 0
    assert not process_groups.send(leader.pid, ticks + 1, signal.SIGKILL)
    assert process_groups.is_gone(leader.pid, ticks + 1)
    assert leader.poll() is None


def test_a_group_that_is_gone_takes_no_signal() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    assert process_groups.start_ticks(process.pid) is None
    assert not process_groups.send(process.pid, 1, signal.SIGKILL)
    assert process_groups.is_gone(process.pid, 1)


RUNNER = """
import subprocess, sys, time
from agents_app import process_groups
process_groups.adopt_orphans()
asleep = [sys.executable, "-c", "import time; time.sleep(60)"]
hide = f"import subprocess as s; print(s.Popen({asleep!r}, start_new_session=True, stdout=s.DEVNULL).pid)"
pids = subprocess.check_output([sys.executable, "-c", hide], text=True).split()
pids.append(subprocess.Popen(asleep).pid)
process_groups.kill_others()
process_groups.reap()
print(*pids, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_nothing_that_was_started_lives_when_all_is_reaped_also_what_hid_in_a_session_of_its_own() -> None:
    command = [sys.executable, "-c", RUNNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        pids = [int(pid) for pid in _line(process).split()]
        assert len(pids) == 2
        assert not any(map(alive, pids))
        process.kill()


def test_a_process_that_leads_no_group_kills_nobody() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        if os.getpgrp() != os.getpid():
            process_groups.kill_others()
        assert bystander.poll() is None


def test_what_work_starts_gives_way_as_it_does() -> None:
    program = (
        "import os, subprocess; from agents_app import process_groups; before = os.nice(0); "
        "process_groups.give_way(); told = subprocess.check_output(['nice']); print(int(told) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, start_new_session=True
    )
    assert (done.stdout.strip(), done.stderr) == (str(process_groups.NICENESS), "")
