"""How far an export is."""

import time
from typing import Protocol

from agents_app.context import ToolContext


class Tell(Protocol):
    """Tells that so much is done."""

    def __call__(self, done: int, stage: str = "rendering") -> None:
        """Raise `Stopped` if the export was cancelled."""


def teller(context: ToolContext, total: int) -> Tell:
    """Return what is called as the rendering goes on: 0 to 90 percent, with an honest estimate."""
    started = time.monotonic()

    def tell(done: int, stage: str = "rendering") -> None:
        elapsed = time.monotonic() - started
        context.progress(90 * done / max(total, 1), stage, elapsed / done * (total - done) if done else None)

    return tell
