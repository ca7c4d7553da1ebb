"""How a process of this room tells of its work: JSON lines on its standard output.

`{"progress": 0-1}`, `{"partial": …}` and at the end `{"result": …}` or `{"error": {"code", "message"}}`.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from agents_app.context import ToolError

_PROGRESS_SECONDS = 0.1
_PARTIAL_SECONDS = 1.0


class Told:
    """Tells progress ten times a second at most, partial results once a second."""

    def __init__(self) -> None:
        self._progress_at = 0.0
        self._partial_at = 0.0
        self._start, self._end, self._done = 0.0, 1.0, 0.0

    def begin(self, share: float) -> None:
        """Begin a pass that is `share` (0-1) of the work that is left."""
        self._start = self._done
        self._end = self._done = self._start + (1 - self._start) * share

    def progress(self, fraction: float) -> None:
        """Tell that `fraction` (0-1) of the pass is done."""
        now = time.monotonic()
        if now - self._progress_at >= _PROGRESS_SECONDS:
            self._progress_at = now
            _write({"progress": self._start + (self._end - self._start) * fraction})

    def partial(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Tell what was found so far; `make` is only called when it is time."""
        now = time.monotonic()
        if now - self._partial_at >= _PARTIAL_SECONDS:
            self._partial_at = now
            _write({"partial": make()})


def tell(work: Callable[[Mapping[str, Any], Told], Mapping[str, Any]]) -> None:
    """Do the job of standard input and tell how it ends."""
    try:
        _write({"result": work(json.load(sys.stdin), Told())})
    except ToolError as error:
        _write({"error": {"code": error.code, "message": error.message}})
    except MemoryError:
        _write({"error": {"code": "too_large_for_memory", "message": "The file needs too much memory."}})


def _write(line: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
