"""Signals of the supervisor: what wakes it, and how often it was asked to stop."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked to stop while something else was going on that may be abandoned."""


def _hide_stop(event: Any) -> None:
    """Print what Python cannot raise (in a destructor, say), but not that: the request is counted anyway."""
    if not isinstance(event.exc_value, StopRequested):
        sys.__unraisablehook__(event)


class Signals:
    """Turns signals into something to wait for. Only the main thread may make one, and only once."""

    def __init__(self) -> None:
        self.stop_requests = 0
        self._abandon = False
        sys.unraisablehook = _hide_stop
        self._readable, writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(writable, False)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._note_child)
        for number in STOP:
            # A SIGHUP that was ignored from outside (nohup) stays ignored.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note_stop)

    def wait(self, seconds: float) -> None:
        """Return at the next signal, or after `seconds`."""
        select.select([self._readable], [], [], max(0.0, seconds))
        try:
            os.read(self._readable, 4096)
        except BlockingIOError:
            return

    @contextmanager
    def abandoning(self) -> Iterator[None]:
        """Within the block a request to stop raises `StopRequested`, as it does for an earlier request."""
        self._abandon = True
        try:
            if self.stop_requests:
                raise StopRequested
            yield
        finally:
            self._abandon = False

    def forget(self) -> None:
        """Give all signals back their meaning in a program that has just begun; for a forked child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGTSTP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requests += 1
        if self._abandon:
            raise StopRequested

    def _note_child(self, number: int, frame: FrameType | None) -> None:
        """Nothing to do: the wake-up is what counts."""
