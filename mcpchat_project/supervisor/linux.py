"""What only Linux can do: tie a process to the life of its parent, adopt orphans, list descendants, rename.

Elsewhere every function does nothing, and a killed supervisor leaves its processes behind.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

AVAILABLE = sys.platform == "linux"
_library = ctypes.CDLL(None, use_errno=True) if AVAILABLE else None


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none can hide from `stop`."""
    if _library is not None:
        _library.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def dying_with_parent() -> Callable[[], None]:
    """Return what a new child must call before it becomes its program: SIGKILL comes when we die.

    The kernel means the thread that forked, so children must be started by the main thread.
    """
    parent = os.getpid()

    def tie() -> None:
        if _library is None:
            return
        _library.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def show_as(title: str) -> None:
    """Have `ps` show `title` for this process, cut to the length of what it was started with."""
    if _library is None:
        return
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    text = title.encode()[: max(0, end - start - 1)]
    ctypes.memset(start, 0, end - start)
    ctypes.memmove(start, text, len(text))


def let_go_of_files() -> None:
    """Let go of every file but input, output and errors: what a forked process has from its parent.

    Their numbers lead to /dev/null from now on and stay taken. The parent's objects live on in this copy of
    its memory and close their numbers when they are collected, at any time: a number that was free again
    would by then belong to another file (it was SQLite's, whose lock then never came: a hang for ever).
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != nothing:
            with suppress(OSError):  # The one that reads the folder is closed already.
                os.fstat(int(name))
                os.dup2(nothing, int(name), inheritable=False)
    os.close(nothing)


def descendants(root: int) -> set[int]:
    """Return the ids of all living processes below `root`."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    heads = [root]
    while heads:
        below = children.get(heads.pop(), [])
        found.update(below)
        heads.extend(below)
    return found


def _parents() -> list[tuple[int, int]]:
    if _library is None:
        return []
    pairs = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # The name in brackets may hold brackets itself: what follows the last one is plain.
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                pairs.append((int(folder.name), int(parent)))
    return pairs
