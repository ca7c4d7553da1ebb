"""A run from the first event to the last one everywhere. Import this once Django is set up."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from uuid import UUID

from django.db import connections

from tests.chaos_feed import gathering, killer, stage
from tests.chaos_feed.crowd import Crowd, cast
from tests.chaos_feed.evidence import SLOW, Evidence
from tests.chaos_feed.killer import Amounts, Killer
from tests.chaos_feed.webs import Webs
from tests.chaos_feed.writers import Writers
from tests.installation import Installation

SETTLE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much of everything; `seed` makes its choices repeatable, the machine's timing remains."""

    clients: int
    kinds: Sequence[str]
    events: int
    speakers: int
    amounts: Amounts
    seed: int


class Run:
    """Plays a plan on an installation with its web processes."""

    def __init__(self, house: Installation, webs: Webs, folder: Path, plan: Plan) -> None:
        chance = random.Random(plan.seed)
        self._folder, self._plan, self._webs = folder, plan, webs
        self._began = time.monotonic()
        seats = stage.seats(webs, plan.clients)
        self._sessions = [seat.session for seat in seats]
        self._steps = killer.plan(plan.amounts, chance)
        self._left = plan.amounts.bursts
        self._crowd = Crowd(seats, cast(plan.clients, plan.kinds), chance)
        self._hot = cycle(sorted(self._sessions, key=self._is_read_promptly))
        session_ids = [UUID(session) for session in self._sessions]
        self._writers = Writers(folder, session_ids, plan.speakers, chance)
        self._killer = Killer(house, webs, chance, flows=self._crowd.flows, burst=self._burst)

    def play(self) -> Evidence:
        """Write and kill, wait until every client has everything, and return what is known then."""
        self._killer.wait_for("all web processes answer", self._webs.answer)
        self._writers.start()
        try:
            self._crowd.start()
            self._killer.play(self._steps)
            self._tell("all kills are done")
            self._writers.stop()
        finally:
            self._writers.kill()
        self._crowd.calm()
        settle_seconds = self._crowd.settle(gathering.last_seqs(self._sessions), SETTLE_SECONDS)
        self._webs.weigh()
        self._crowd.stop()
        return self._evidence(settle_seconds)

    def _is_read_promptly(self, session: str) -> bool:
        """Whether no slow client reads a session: the bursts are for those who cannot keep up first."""
        return not any(one.kind == SLOW and one.session == session for one in self._crowd.journals)

    def _burst(self) -> None:
        self._left -= 1
        self._tell(f"a burst of {self._plan.events} events, {self._left} more to come")
        self._writers.burst(UUID(next(self._hot)), self._plan.events)

    def _tell(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:5.0f} s: {what}", flush=True)

    def _evidence(self, settle_seconds: float) -> Evidence:
        connections.close_all()
        return Evidence(
            rows={session: gathering.rows(session) for session in self._sessions},
            last_seqs=gathering.last_seqs(self._sessions),
            journals=self._crowd.journals,
            written=gathering.written(self._folder),
            texts=gathering.texts(self._folder),
            kills=self._killer.kills,
            problems=[*self._writers.problems, *self._killer.problems, *self._crowd.problems],
            web_peak_bytes=self._webs.peak_bytes,
            settle_seconds=settle_seconds,
            back_seconds=self._killer.back_seconds,
        )
