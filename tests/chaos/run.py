"""A run from the first submission to the last end. Import this once Django is set up."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connection

from agents_app.models import Subagent, Turn
from tests.chaos import load
from tests.chaos.evidence import Evidence
from tests.chaos.gathering import clock_offset, gather, leftovers
from tests.chaos.killer import Killer
from tests.chaos.load import Load
from tests.chaos.stage import set_up_pools
from tests.installation import Installation

TICK_SECONDS = 0.02
COUNT_SECONDS = 0.2
TELL_SECONDS = 10.0
# A message that was lost is sent again after at most a minute.
SETTLE_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much of everything; `seconds` bounds the run, `seed` makes its choices repeatable."""

    subagents: int
    kills: int
    redis_kills: int
    wipes: int
    seconds: float
    seed: int


class Run:
    """Plays a plan on an installation."""

    def __init__(self, house: Installation, folder: Path, plan: Plan) -> None:
        chance = random.Random(plan.seed)
        self._house, self._folder, self._plan = house, folder, plan
        set_up_pools()
        self._load = Load(folder, load.orders(plan.subagents, load.open_sessions(), chance))
        amounts = {"kills": plan.kills, "brokers": plan.redis_kills, "wipes": plan.wipes}
        self._killer = Killer(house, folder, chance, **amounts)
        self._done = 0
        self._counted_at = self._told_at = 0.0

    def play(self) -> Evidence:
        """Submit, kill, wait for the ends, and return what is known then."""
        began, offset = time.monotonic(), clock_offset()
        self._load.start()
        try:
            while not self._is_over() and time.monotonic() < began + self._plan.seconds:
                self._tick(began)
        finally:
            self._load.stop()
        self._tell(began)
        self._settle()
        return gather(self._house, self._folder, self._killer.record, self._load.problems, offset)

    def _is_over(self) -> bool:
        if self._done < self._plan.subagents:
            return self._load.problems != [] and not self._load.submitting and not _unfinished()
        return True

    def _tick(self, began: float) -> None:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_SECONDS:
            self._counted_at, self._done = now, Subagent.objects.exclude(finished_at=None).count()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._tell(began)
        self._tend()
        time.sleep(TICK_SECONDS)

    def _tend(self) -> None:
        try:
            self._killer.tend(self._done / self._plan.subagents)
        except DatabaseError as error:
            self._load.problems.append(f"changing a cap: {error}")
            connection.close()

    def _tell(self, began: float) -> None:
        seconds, left = time.monotonic() - began, self._killer.left
        print(
            f"{seconds:5.0f} s: {self._done} of {self._plan.subagents} ended, {left} actions left", flush=True
        )

    def _settle(self) -> None:
        """Wait until nothing moves any more: answers are given, the killed are back, traces are cleared."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and self._moves():
            self._tend()
            time.sleep(COUNT_SECONDS)

    def _moves(self) -> bool:
        return (
            self._killer.is_waiting
            or Turn.objects.all().unfinished().exists()
            or bool(leftovers(self._house, self._folder))
        )


def _unfinished() -> bool:
    return Subagent.objects.all().unfinished().exists()
