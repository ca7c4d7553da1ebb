"""The terminal: lines for people, and who gets its Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Mapping


def say(text: str) -> None:
    """Print one line at once. A terminal that is gone is no reason to stop."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def take_foreground(environment: Mapping[str, str] = os.environ) -> Callable[[], None]:
    """Under make, become the terminal's foreground group; return what gives that back.

    Ctrl-C would end make too, with an error, however cleanly we stop. Ctrl-Z is ignored meanwhile: make
    would go on waiting and leave the terminal to nobody.
    """
    if "MAKELEVEL" not in environment or not _in_foreground():
        return lambda: None
    before = os.getpgrp()
    signal.signal(signal.SIGTSTP, lambda number, frame: None)
    os.setpgid(0, 0)
    _hand_over(os.getpid())
    return lambda: _hand_over(before)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp() and os.getsid(0) != os.getpid()
    except OSError:
        return False


def _hand_over(group: int) -> None:
    """Only a process of the foreground may do this, unless it ignores the signal that says so."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        os.tcsetpgrp(0, group)
    except OSError:
        return
    finally:
        signal.signal(signal.SIGTTOU, before)
