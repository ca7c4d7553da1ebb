"""Cuts, kills and wipes at random moments, with bursts of events in between."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import redis

from tests.chaos.evidence import Kill
from tests.chaos_feed.webs import Webs
from tests.installation import Installation

CUT = "cut"
DOUBLE_CUT = "double cut"
BROKER = "broker"
WEB = "web"
WIPE = "wipe"
BURST = "burst"
# Each so many cuts is followed by another one at once, while the feed still recovers.
DOUBLE_EVERY = 5
DOUBLE_SECONDS = (0.01, 0.25)
# A cut comes soon after another; what does more harm leaves time to see what the last one did.
PAUSE_SECONDS = {CUT: (0.1, 1.2), DOUBLE_CUT: (0.1, 1.2), BURST: (0, 0.3)}
LONG_PAUSE_SECONDS = (0.7, 1.7)
BACK_SECONDS = 30.0
TICK_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How often what is done."""

    bursts: int
    cuts: int
    broker_kills: int
    web_kills: int
    wipes: int


def plan(amounts: Amounts, chance: random.Random) -> list[str]:
    """Return what to do in order: kills mixed at random, bursts spread evenly, one of them first."""
    doubles = amounts.cuts // DOUBLE_EVERY
    kills = [CUT] * (amounts.cuts - doubles) + [DOUBLE_CUT] * doubles
    kills += [BROKER] * amounts.broker_kills + [WEB] * amounts.web_kills + [WIPE] * amounts.wipes
    chance.shuffle(kills)
    for number in reversed(range(amounts.bursts)):
        kills.insert(number * len(kills) // amounts.bursts, BURST)
    return kills


class Killer:
    """Works through a plan. `flows` says whether clients get events, `burst` has one written."""

    def __init__(
        self,
        house: Installation,
        webs: Webs,
        chance: random.Random,
        *,
        flows: Callable[[], bool],
        burst: Callable[[], None],
    ) -> None:
        self.kills: list[Kill] = []
        self.problems: list[str] = []
        self.back_seconds: dict[str, list[float]] = {}
        self._house, self._webs, self._chance = house, webs, chance
        self._flows, self._burst = flows, burst

    def play(self, steps: list[str]) -> None:
        """Do one step after the other, each once events flow again after the one before."""
        actions = {
            CUT: self._cut,
            DOUBLE_CUT: self._cut_twice,
            BROKER: self._kill_broker,
            WEB: self._kill_web,
            WIPE: self._wipe,
            BURST: self._burst,
        }
        for step in steps:
            self._pause(*PAUSE_SECONDS.get(step, LONG_PAUSE_SECONDS))
            self.wait_for("events flow", self._flows)
            actions[step]()
            self._webs.weigh()

    def wait_for(self, what: str, condition: Callable[[], bool]) -> float:
        """Wait until a condition holds and return for how many seconds; a problem if it never does."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() > began + BACK_SECONDS:
                self.problems.append(f"not within {BACK_SECONDS:.0f} s: {what}")
                break
            time.sleep(TICK_SECONDS)
        return time.monotonic() - began

    def _cut(self) -> None:
        self._do(CUT, self._cut_connections)

    def _cut_twice(self) -> None:
        self._do(DOUBLE_CUT, self._cut_connections)
        self._pause(*DOUBLE_SECONDS)
        with suppress(redis.RedisError):
            self._cut_connections()

    def _kill_broker(self) -> None:
        self._do(BROKER, lambda: self._house.kill(BROKER))
        self._note_back(BROKER, self.wait_for("the broker is back", self._broker_answers))

    def _kill_web(self) -> None:
        number = self._chance.randrange(len(self._webs.urls))
        self._do(WEB, lambda: self._webs.kill(number))
        self._note_back(WEB, self.wait_for("all web processes are back", self._webs.answer))

    def _wipe(self) -> None:
        self._do(WIPE, self._house.wipe_broker)

    def _do(self, what: str, act: Callable[[], object]) -> None:
        """Do something as soon as it can be done, and note when it was."""
        self.wait_for(f"{what} can be done", lambda: self._is_done(what, act))

    def _is_done(self, what: str, act: Callable[[], object]) -> bool:
        moment = time.monotonic()
        try:
            act()
        except (redis.RedisError, ProcessLookupError, StopIteration):
            return False
        self.kills.append(Kill(what=what, at=moment))
        return True

    def _cut_connections(self) -> None:
        """Cut all subscribers' connections. Raises `redis.RedisError`, also if there is none."""
        with redis.Redis.from_url(self._house.broker_address()) as client:
            if not client.execute_command("CLIENT", "KILL", "TYPE", "pubsub"):
                raise redis.RedisError("nobody is subscribed")

    def _broker_answers(self) -> bool:
        try:
            with redis.Redis.from_url(self._house.broker_address()) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _note_back(self, what: str, seconds: float) -> None:
        self.back_seconds.setdefault(what, []).append(seconds)

    def _pause(self, least: float, most: float) -> None:
        time.sleep(self._chance.uniform(least, most))
