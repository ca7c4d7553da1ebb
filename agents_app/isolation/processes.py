"""Ending a command together with everything it started.

Commands stay in the process group of the worker, so that whoever kills that group kills them too. Their
group can therefore not be signalled from here: the worker is in it. A family is found instead by parentage
and by a mark in the environment, which descendants inherit and keep when their parent dies before them.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

MARK = "MCPCHAT_COMMAND"
_PROC = Path("/proc")
_GONE_WITHIN_SECONDS = 2.0


def end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill `process` and all that carries `mark` or descends from it, and wait until they are gone.

    All are stopped before the first is killed: a stopped process can neither fork nor notice the end of
    its relatives and act on it.
    """
    stopped: set[int] = set()
    while found := family(process, mark) - stopped:
        _signal(found, signal.SIGSTOP)
        stopped |= found
    _signal(stopped, signal.SIGKILL)
    process.wait()
    _wait_until_gone(stopped - {process.pid})


def family(process: subprocess.Popen[bytes], mark: str) -> set[int]:
    """Return the ids of `process`, its descendants and all living processes that carry `mark`."""
    parents = _parents()
    members = {pid for pid in parents if _carries(pid, mark)}
    if process.poll() is None:
        members.add(process.pid)
    while children := {pid for pid, parent in parents.items() if parent in members} - members:
        members |= children
    return members


def _parents() -> Mapping[int, int]:
    """Return the parent's id of every process; `ps` where there is no /proc (macOS)."""
    if not (_PROC / "self/stat").exists():
        return parents_by_ps()
    found = {}
    for pid in (int(name) for name in os.listdir(_PROC) if name.isdigit()):
        state = _state(pid)
        if state is not None:
            found[pid] = int(state[1])
    return found


def parents_by_ps() -> Mapping[int, int]:
    """Return the parent's id of every process as the POSIX command `ps` tells it."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True, timeout=5)
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listing.stdout.splitlines())}


def _state(pid: int) -> tuple[str, str] | None:
    """Return the state letter and the parent's id of a process, or None when it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in the brackets is the process's own choice and may hold brackets and blanks itself.
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, parent


def _carries(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _wait_until_gone(pids: Iterable[int]) -> None:
    """Wait for orphans: they are reaped by process 1, and a zombie counts as gone."""
    deadline = time.monotonic() + _GONE_WITHIN_SECONDS
    left = set(pids)
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _alive(pid)}
        time.sleep(0.005 if left else 0)


def _alive(pid: int) -> bool:
    state = _state(pid)
    return state is not None and state[0] != "Z"
