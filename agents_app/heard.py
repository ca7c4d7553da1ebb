"""What a server told of a call while it ran: all there is of one that does not end well."""

import time

from agents_app.context import ToolContext

LINES_MAX = 20
KEEP_SECONDS = 2.0


class Heard:
    """Keeps the last `LINES_MAX` things that a server told, as the partial result of its call."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._told: dict[str, float] = {}
        self._is_kept = True
        self._kept_at = time.monotonic()

    def take(self, percent: float, message: str) -> None:
        """Note a message with how far the call was, 0-100; raises `Stopped`."""
        if not message:
            return
        self._told.pop(message, None)
        self._told[message] = percent
        if len(self._told) > LINES_MAX:
            del self._told[next(iter(self._told))]
        self._is_kept = False
        if time.monotonic() - self._kept_at >= KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Keep what is not kept yet; raises `Stopped`."""
        if self._is_kept:
            return
        self._is_kept, self._kept_at = True, time.monotonic()
        lines = [f"{percent:.0f} %: {message}" for message, percent in self._told.items()]
        self._context.keep(
            "\n".join(["The server told:", "", *(f"- {line}" for line in lines)]), {"told": lines}
        )
