"""Starts one command, and ends it with all that it started when whoever started the guard is gone.

Run by its path with a bare interpreter: `python -I -S guard.py LIFELINE COMMAND [ARGUMENT ...]`, where
LIFELINE is the number of a pipe's read end. The pipe closes when its writer closes it or dies, by whatever
signal. The command has the guard's own input and outputs; the guard touches neither.
Standard library only, no threads.
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

TERM_SECONDS = 1.0
KILL_SECONDS = 2.0
NOT_STARTED = 127
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform.startswith("linux")


def main(lifeline: int, command: list[str]) -> int:
    """Run the command to its end or the lifeline's; return its exit code, 128 + N for signal N."""
    if _LINUX:  # orphans of the command become children of the guard, so it can find them
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken = _wake_on(signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    server = _start(command)
    _let_go_of_the_pipes()
    code = _watch(server, lifeline, woken)
    if code is None:
        code = _terminate(server)
    _kill_all(server)
    return code


def _wake_on(*numbers: int) -> int:
    """Return the read end of a pipe that gets the number of each of these signals."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return read_end


def _start(command: list[str]) -> int:
    guard = os.getpid()
    server = os.fork()
    if server:
        return server
    try:
        os.setpgid(0, 0)
        if _LINUX:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(NOT_STARTED)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode(errors="replace"))
    os._exit(NOT_STARTED)


def _let_go_of_the_pipes() -> None:
    """What reads the command's outputs must see their end when the command ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)


def _watch(server: int, lifeline: int, woken: int) -> int | None:
    """Return the command's exit code, or None if it must be ended."""
    while True:
        ready, _, _ = select.select([lifeline, woken], [], [])
        if woken in ready and set(os.read(woken, 4096)) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
            return None
        if (code := _reap(server)) is not None:
            return code
        if lifeline in ready:
            return None


def _reap(server: int) -> int | None:
    """Bury every child that has ended; return the command's exit code if it was among them."""
    code = None
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == server:
                code = _exit_code(found[1])
    return code


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _terminate(server: int) -> int:
    """Ask the command's group to end and give it a moment."""
    _signal_group(server, signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while time.monotonic() < deadline:
        if (code := _reap(server)) is not None:
            return code
        time.sleep(0.01)
    return 128 + signal.SIGKILL


def _kill_all(server: int) -> None:
    """Kill the command's group and whatever else descends from this process, until none is left."""
    deadline = time.monotonic() + KILL_SECONDS
    _signal_group(server, signal.SIGKILL)
    while time.monotonic() < deadline:
        for pid in _descendants():
            _signal(os.kill, pid, signal.SIGKILL)
        _reap(server)
        if not _has_children():
            return
        time.sleep(0.005)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _descendants() -> set[int]:
    """Return the ids of all processes below this one; none where there is no /proc (macOS)."""
    parents = {}
    for name in os.listdir("/proc") if _LINUX else ():
        if name.isdigit() and (parent := _parent(int(name))) is not None:
            parents[int(name)] = parent
    found: set[int] = set()
    ring = {os.getpid()}
    while ring:
        ring = {pid for pid, parent in parents.items() if parent in ring} - found
        found |= ring
    return found


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in the brackets is the process's own choice and may hold brackets and blanks itself.
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _signal_group(server: int, number: int) -> None:
    _signal(os.killpg, server, number)


def _signal(send: Callable[[int, int], None], target: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        send(target, number)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
