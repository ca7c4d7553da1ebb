"""Kills, wipes and changes caps, each at its time: spread over the run by how much of the work is done."""

import os
import random
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from agents_app import gateway
from tests.chaos import ledger
from tests.chaos.evidence import CapChange, Kill, Record
from tests.chaos.stage import CAPS, HIGHEST_CAP
from tests.installation import Installation, children

# What is killed how often, of KILLS.
WEIGHTS = {"child": 60, "agents": 14, "keeper": 10, "chat": 6, "web": 5, "beat": 5}
# A pause that waited for progress could wait for ever: what it pauses is what makes progress.
PAUSE_SECONDS = 1.5
CAP_CHANGES: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.15, {"cap": 3}),
    (0.30, {"cap": HIGHEST_CAP}),
    (0.45, {"cap": 4}),
    (0.50, {"paused": True}),
    (0.60, {"cap": CAPS["tools"]}),
    (0.75, {"paused": True}),
)


Action = Callable[[], bool]


class Killer:
    """Works through its plan as the run proceeds. An action that cannot be done yet is tried again."""

    def __init__(
        self,
        house: Installation,
        folder: Path,
        chance: random.Random,
        *,
        kills: int,
        brokers: int,
        wipes: int,
    ) -> None:
        self.record = Record()
        self._house, self._folder, self._chance = house, folder, chance
        self._watched: list[tuple[str, float, Callable[[], bool]]] = []
        self._resume_at: float | None = None
        self._tools: dict[str, Any] = {"cap": CAPS["tools"], "paused": False}
        self._plan = deque(self._planned(kills, brokers, wipes))

    @property
    def left(self) -> int:
        """How many actions are still to be done."""
        return len(self._plan)

    @property
    def is_waiting(self) -> bool:
        """Whether something that was killed is not back yet, or a pool is paused."""
        return bool(self._watched) or self._resume_at is not None

    def tend(self, done_share: float) -> None:
        """Do what is due when `done_share` (0 to 1) of the work is done; note who is back."""
        if self._resume_at is not None and time.monotonic() >= self._resume_at:
            self._change_cap({"paused": False})
            self._resume_at = None
        self._look_who_is_back()
        while self._plan and self._plan[0][0] <= done_share and self._plan[0][1]():
            self._plan.popleft()

    def _planned(self, kills: int, brokers: int, wipes: int) -> list[tuple[float, Action]]:
        names = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=kills)
        mixed = self._shuffled([*names, *["broker"] * brokers])
        plan = [((number + 0.5) / len(mixed), self._action(name)) for number, name in enumerate(mixed)]
        plan += [((number + 0.5) / wipes, self._wipe) for number in range(wipes)]
        plan += [(share, self._cap_action(change)) for share, change in CAP_CHANGES]
        return sorted(plan, key=lambda entry: entry[0])

    def _shuffled(self, names: list[str]) -> list[str]:
        self._chance.shuffle(names)
        return names

    def _action(self, name: str) -> Action:
        if name == "child":
            return self._kill_child
        return lambda: self._kill_process(name)

    def _cap_action(self, change: dict[str, Any]) -> Action:
        return lambda: self._change_cap(change)

    def _kill_child(self) -> bool:
        running = sorted(ledger.running_now(self._folder), key=lambda one: one.file_name)
        if not running:
            return False
        victim = self._chance.choice(running)
        self._note_kill("child", frozenset({victim.pid}))
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
        return True

    def _kill_process(self, name: str) -> bool:
        try:
            pid = self._house.process_named(name)
            os.kill(pid, signal.SIGSTOP)  # So that it starts no child that we would not know of.
        except (StopIteration, ProcessLookupError):
            return False
        self._note_kill(name, frozenset({pid, *children(pid)}))
        os.kill(pid, signal.SIGKILL)
        if name in ("keeper", "beat", "chat"):
            known = {pid, *(body["pid"] for body in self._house.identities(name))}
            self._watch(name, lambda: self._has_registered(name, known))
        elif name == "web":
            self._watch(name, self._answers)
        return True

    def _wipe(self) -> bool:
        try:
            moment = time.monotonic()
            self._house.wipe_broker()
        except (redis.RedisError, OSError):
            return False
        self.record.kills.append(Kill(what="wipe", at=moment))
        return True

    def _change_cap(self, change: dict[str, Any]) -> bool:
        before = time.monotonic()
        gateway.change_pool("tools", change)
        self._tools |= change
        limit = 0 if self._tools["paused"] else self._tools["cap"]
        if change.get("paused"):
            self._resume_at = time.monotonic() + PAUSE_SECONDS
        self.record.caps.append(CapChange(pool="tools", limit=limit, before=before, after=time.monotonic()))
        return True

    def _note_kill(self, what: str, pids: frozenset[int]) -> None:
        kill = Kill(what=what, at=time.monotonic(), pids=pids)
        self.record.kills.append(kill)
        ledger.append(self._folder / "kills.jsonl", {"what": what, "at": kill.at, "pids": sorted(pids)})

    def _watch(self, name: str, is_back: Callable[[], bool]) -> None:
        self._watched = [entry for entry in self._watched if entry[0] != name]
        self._watched.append((name, time.monotonic(), is_back))

    def _look_who_is_back(self) -> None:
        for entry in list(self._watched):
            name, since, is_back = entry
            if is_back():
                self.record.back_seconds.setdefault(name, []).append(time.monotonic() - since)
                self._watched.remove(entry)

    def _has_registered(self, kind: str, known: set[int]) -> bool:
        return any(body["pid"] not in known for body in self._house.identities(kind))

    def _answers(self) -> bool:
        return self._house.answers(0.3)
