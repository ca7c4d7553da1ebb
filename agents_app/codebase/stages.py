"""The stages of an analysis, and how far each one is."""

import time

from agents_app.context import ToolContext
from agents_app.stages import Stage

_RANGES = {
    "cloning": (0.0, 10.0),
    "analyzing": (10.0, 30.0),
    "scanning_dependencies": (30.0, 60.0),
    "generating_report": (60.0, 80.0),
}


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
