"""Progress that is told at a bounded rate, the latest of it always."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connections

logger = logging.getLogger(__name__)
Value = TypeVar("Value")


class LatestWins(Generic[Value]):
    """Calls `tell(value)` at most once every `seconds`, with the latest value; the last one is always told.

    What is offered too soon is told by a thread when its time has come, if nothing newer came before. `tell`
    is never called twice at once.
    """

    def __init__(self, seconds: float, tell: Callable[[Value], None]) -> None:
        self._seconds = seconds
        self._tell = tell
        self._telling = threading.Lock()
        self._news = threading.Condition()
        self._waiting: Value | None = None
        self._told_at = -seconds
        self._thread: threading.Thread | None = None
        self._ended = False

    def offer(self, value: Value, *, at_once: bool = False) -> None:
        """Tell a value now if its time has come or `at_once`, else soon."""
        with self._news:
            # With a value in its hands the thread wakes by itself when its time has come.
            is_idle = self._waiting is None
            self._waiting = value
            now = time.monotonic()
            due = at_once or now - self._told_at >= self._seconds
            if due:
                self._told_at = now
            elif self._thread is None:
                self._thread = threading.Thread(target=self._tell_late, daemon=True)
                self._thread.start()
            elif is_idle:
                self._news.notify()
        if due:
            self._tell_now()

    def end(self) -> None:
        """Tell what is still untold; nothing is told after that."""
        with self._news:
            self._ended = True
            self._news.notify()
        self._tell_now()

    def _tell_now(self) -> None:
        with self._telling:
            with self._news:
                value, self._waiting = self._waiting, None
            if value is not None:
                self._tell(value)

    def _tell_late(self) -> None:
        try:
            while self._wait_for_its_time():
                try:
                    self._tell_now()
                except Exception:  # the work goes on, and the next value may find things better
                    logger.exception("progress could not be told")
        finally:
            connections.close_all()  # this thread's own

    def _wait_for_its_time(self) -> bool:
        """Return once a value may be told; False at the end."""
        with self._news:
            while not self._ended:
                left = self._told_at + self._seconds - time.monotonic()
                if self._waiting is not None and left <= 0:
                    self._told_at = time.monotonic()
                    return True
                self._news.wait(max(left, 0.001) if self._waiting is not None else None)
        return False
