"""The stages of an analysis, and how far each one is."""

import time
from dataclasses import dataclass
from typing import Self

from agents_app.context import ToolContext

_RANGES = {
    "cloning": (0.0, 10.0),
    "analyzing": (10.0, 30.0),
    "scanning_dependencies": (30.0, 60.0),
    "generating_report": (60.0, 80.0),
}


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


class Stages:
    """The stages of one analysis, entered one after the other; `seconds` says how long each took."""

    def __init__(self, context: ToolContext) -> None:
        self.seconds: dict[str, float] = {}
        self._context = context
        self._current = ""
        self._began = 0.0

    def enter(self, name: str) -> Stage:
        """Begin the stage `name`, which ends the one before; raises `Stopped`."""
        self.leave()
        self._current, self._began = name, time.monotonic()
        stage = Stage(self._context, name, *_RANGES[name])
        stage.at(0.0)
        return stage

    def leave(self) -> None:
        """End the current stage: its time is known from now on."""
        if self._current:
            self.seconds[self._current] = round(time.monotonic() - self._began, 3)
            self._current = ""


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
