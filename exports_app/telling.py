"""How far an export is."""

import time
from collections.abc import Callable
from typing import Protocol

from agents_app.context import ToolContext


class Tell(Protocol):
    """Tells that so much is done."""

    def __call__(self, done: int, stage: str = "rendering") -> None:
        """Raise `Stopped` if the export was cancelled."""


class Repeating:
    """Tells how much is done, and again while what comes next takes long."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._done = 0

    def __call__(self, done: int) -> None:
        """Tell that so much is done."""
        self._done = done
        self._tell(done)

    def again(self) -> None:
        """Tell what was told last: the work goes on."""
        self._tell(self._done)


def teller(context: ToolContext, total: int) -> Tell:
    """Return what is called as the rendering goes on: 0 to 90 percent, with an honest estimate."""
    started = time.monotonic()

    def tell(done: int, stage: str = "rendering") -> None:
        elapsed = time.monotonic() - started
        context.progress(90 * done / max(total, 1), stage, elapsed / done * (total - done) if done else None)

    return tell
