"""Processes by identity, and the groups that they lead.

A worker child leads a process group, so what its tools start (git, scc, servers) dies with the group.
"""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

TICKS_A_SECOND = 100
REAP_SECONDS = 1.0
PR_SET_CHILD_SUBREAPER = 36
NICENESS = 5
"""Work gets a third of what a page or an answer gets of a processor that both want."""
_SESSION_NICENESS = Path("/proc/self/autogroup")
_adopts = False


def start_ticks(pid: int) -> int | None:
    """Return when process `pid` started, in hundredths of a second, or None if there is none."""
    try:
        if psutil.LINUX:
            with open(f"/proc/{pid}/stat") as file:
                # Ticks since boot do not move when the clock is set, unlike psutil's create_time.
                return int(file.read().rpartition(")")[2].split()[19])
        return int(psutil.Process(pid).create_time() * TICKS_A_SECOND)
    except (OSError, psutil.Error):
        return None


def members(group: int) -> list[int]:
    """Return the pids in process group `group`, zombies left out: they hold nothing but their number."""
    return [process.pid for process in psutil.process_iter(["status"]) if _belongs(process, group)]


def send(group: int, leader_ticks: int, number: signal.Signals) -> bool:
    """Send a signal to every process of a group; False if the group is gone or its number was reused."""
    ticks = start_ticks(group)
    if ticks is not None and ticks != leader_ticks:
        return False
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent dies; False where the system cannot (not Linux).

    Then a process without children is known to have no descendants at all, which costs one call to tell.
    """
    global _adopts
    if psutil.LINUX:
        _adopts = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    return _adopts


def give_way() -> None:
    """Let others come first to the processors: this process, which leads a session, and what it starts.

    Where Linux shares time among sessions first, the niceness of the session is what the others see.
    """
    os.nice(NICENESS)
    with suppress(OSError):
        _SESSION_NICENESS.write_text(str(NICENESS))


def kill(pid: int, started_ticks: int) -> None:
    """SIGKILL a process and the group that it leads, unless its number was reused."""
    if start_ticks(pid) != started_ticks:
        return
    for send_to in (os.killpg, os.kill):  # one that was forked just now leads no group yet
        with suppress(ProcessLookupError):
            send_to(pid, signal.SIGKILL)


def kill_others() -> None:
    """Kill what is left in the group that this process leads, and whatever else descends from it.

    A tool's children end with its attempt, those that left the group too.
    """
    own = os.getpid()
    if os.getpgrp() != own or (_adopts and not _has_children()):
        return
    descendants = {process.pid for process in psutil.Process().children(recursive=True)}
    for pid in {*members(own), *descendants} - {own}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def reap(seconds: float = REAP_SECONDS) -> None:
    """Wait until all children have ended, so that nothing works on; nobody may wait for one any more.

    Like `kill_others` it does nothing in a process that leads no group: its children are not work.
    """
    if os.getpgrp() != os.getpid():
        return
    deadline = time.monotonic() + seconds
    with suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.001)


def is_gone(group: int, leader_ticks: int) -> bool:
    """Whether no process of the group is left."""
    ticks = start_ticks(group)
    return (ticks is not None and ticks != leader_ticks) or not members(group)


def _has_children() -> bool:
    """Whether this process has a child, living or not yet waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _belongs(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE
    except ProcessLookupError:
        return False
