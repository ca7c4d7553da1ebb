"""How far a stretch of work is, and how long it will still take."""

import time
from dataclasses import dataclass
from typing import Self

from agents_app.context import ToolContext


@dataclass
class Stage:
    """A stretch of the whole work, from `start` to `end` percent; what it tells never falls."""

    context: ToolContext
    name: str
    start: float
    end: float
    highest: float = 0.0

    def at(self, fraction: float, seconds_left: float | None = None) -> None:
        """Tell that `fraction` (0-1) of this stretch is done; `seconds_left` is for this stretch alone.

        Raises `Stopped`.
        """
        self.highest = max(self.highest, min(1.0, max(0.0, fraction)))
        percent = self.start + (self.end - self.start) * self.highest
        self.context.progress(round(percent, 2), self.name, seconds_left)

    def part(self, first: float, last: float) -> Self:
        """Return the stretch between two fractions of this one."""
        span = self.end - self.start
        return type(self)(self.context, self.name, self.start + span * first, self.start + span * last)


class Remaining:
    """Estimates the seconds that are left from the speed so far."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def seconds(self, fraction: float) -> float | None:
        """Return the seconds left when `fraction` (0-1) is done, or None while that is a mere guess."""
        spent = time.monotonic() - self._began
        if spent < 0.5 or fraction < 0.02:
            return None
        return round(spent * (1 - fraction) / fraction, 1)
