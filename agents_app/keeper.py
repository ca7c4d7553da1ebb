"""The keeper of a host: notices dead workers, renews leases, enforces deadlines and cancels, re-sends.

It is a process of its own, because a lock can only be probed from outside and because a tool can silence
every thread of the process that runs it. It holds nothing in memory that it cannot read again: killing it
costs only the time until its supervisor starts the next one.
"""

import fcntl
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    close_old_connections,
    connection,
    connections,
)
from django.db.models import Exists, OuterRef
from django.utils import timezone

from agents_app import (
    admission,
    attempt,
    fast_calls,
    liveness,
    maintenance,
    outcome,
    places,
    pool,
    process_groups,
    turn_requests,
    turns,
)
from agents_app.liveness import Identity
from agents_app.models import Pool, Subagent, Turn, Worker
from agents_app.other_hosts import OtherHosts
from agents_app.outcome import Outcome
from agents_app.places import Place
from agents_app.presentation import announce_place
from agents_app.pulse import Pulse
from agents_app.renewal import Renewal
from agents_app.watch import Watch

logger = logging.getLogger(__name__)

# How long one duty may take before the dead are looked for again; it goes on with the rest right after.
TURN_SECONDS = 0.1
EXPIRE_AT_ONCE = 5
DEATH_WAIT_SECONDS = 0.5
SEE_OFF_SECONDS = 3.0
State = Subagent.State
# It returns True if it has more to do at once.
Duty = Callable[[], bool | None]


@dataclass(frozen=True)
class Pace:
    """Seconds between two rounds of a duty: while any subagent waits or runs, and while none does."""

    busy: float
    idle: float


PROBE = Pace(0.2, idle=0.2)


class Keeper:
    """Runs its duties in turn, each at its own interval, until told to stop."""

    def __init__(self) -> None:
        self.stopping = False
        watch = Watch()
        self._due: dict[Duty, float] = {}
        self._busy = True
        self._places: dict[str, dict[UUID, tuple[UUID, Place]]] = {}
        self._pulse = Pulse()
        self.identity = liveness.register(Worker.Kind.KEEPER)
        self.others = OtherHosts(str(self.identity.worker_id), self._pulse, self._give_back)
        self._duties: list[tuple[Pace, Duty]] = [
            (Pace(0.5, idle=1.0), self.enforce),
            (Pace(0.25, idle=0.25), self.others.bury_other_hosts),
            (Pace(1.0, idle=2.0), self.move_the_queues),
            (Pace(2.0, idle=5.0), self.bury_the_unlocked),
            (Pace(1.0, idle=5.0), watch.movements),
            (Pace(5.0, idle=10.0), watch.health),
            (Pace(5.0, idle=5.0), maintenance.tend),
            (Pace(0.5, idle=5.0), self.tend_the_database),
        ]

    def run(self) -> None:
        """Keep until `stopping`; an error in one duty never stops the others."""
        renewal = Renewal(self.identity)
        renewal.start()
        while not self.stopping:
            for pace, duty in self._duties:
                self._if_due(PROBE, self.bury_the_dead)  # it waits for one other duty at most
                self._if_due(pace, duty)
            time.sleep(PROBE.busy / 2)
        self._see_off()
        renewal.stop()
        self.others.leave()
        liveness.forget(self.identity)

    def bury_the_dead(self) -> None:
        """Deal with each process of this host that lost its lock: end its group, give its work back."""
        for identity in liveness.identities():
            if identity != self.identity and not liveness.is_alive(identity):
                self._bury(identity)

    def bury_the_unlocked(self) -> None:
        """Bury each row of this host whose lock file is not there: somebody removed it."""
        for worker in Worker.objects.here(settings.HOST_ID).exclude(pk=self.identity.worker_id):
            if not liveness.lock_path(worker.pk).exists():
                self._bury(Identity(worker.pk, worker.kind, worker.pid, worker.started_ticks))

    def enforce(self) -> bool:
        """End by force what is past a deadline or did not heed a cancel; fail what waited too long."""
        loads, until = _loads().values(), time.monotonic() + TURN_SECONDS
        self._busy = any(load.waits or load.works for load in loads)
        more = any(load.works for load in loads) and self._stop_what_is_over(until)
        return (self._busy and _expire(until)) or more

    def move_the_queues(self) -> None:
        """Admit where there is room, and send again what was lost on the way to a worker."""
        now = timezone.now()
        loads = _loads() if self._busy else {}
        for name, load in loads.items():
            if load.waits:
                admission.admit(name)
                self._tell_places(name)
            else:
                self._places.pop(name, None)
        if any(load.works for load in loads.values()):
            admission.send_again(now)
            admission.learn_durations()
        turn_requests.send_again(now)
        fast_calls.see_to_handed_over_calls(now)

    def tend_the_database(self) -> None:
        """Move SQLite's log into its database, so that nobody's commit has to."""
        if connection.vendor == "sqlite":
            connections[DEFAULT_DB_ALIAS].checkpoint()  # type: ignore[attr-defined]  # our own backend's

    def _see_off(self) -> None:
        """At a shutdown of the host, give back what its workers leave, and clear their traces away."""
        deadline = time.monotonic() + SEE_OFF_SECONDS
        while liveness.identities() != [self.identity] and time.monotonic() < deadline:
            self._do(self.bury_the_dead)
            time.sleep(PROBE.busy / 4)

    def _tell_places(self, pool_name: str) -> None:
        """Announce the places in a queue that changed since the last look, as far as the time goes."""
        found = places.first_of_each_owner(pool_name)
        known = self._places.get(pool_name, {})
        self._places[pool_name] = found
        until = time.monotonic() + TURN_SECONDS
        for subagent_id, (session_id, place) in found.items():
            if subagent_id in known and known[subagent_id][1].position != place.position:
                announce_place(session_id, subagent_id, place)
                if time.monotonic() > until:
                    return

    def _if_due(self, pace: Pace, duty: Duty) -> None:
        self._pulse.beat()
        began = time.monotonic()
        if began >= self._due.get(duty, 0.0):
            more = self._do(duty)
            self._due[duty] = began if more else began + (pace.busy if self._busy else pace.idle)

    def _do(self, duty: Duty) -> bool:
        try:
            return bool(duty())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%s failed: %s: %s", duty.__name__, type(error).__name__, error)
            close_old_connections()
        except Exception:  # one duty must not end the keeper
            logger.exception("%s failed", duty.__name__)
        return False

    def _bury(self, identity: Identity) -> None:
        if identity.kind == Worker.Kind.AGENTS and not _end_group(identity.pid, identity.started_ticks):
            logger.warning("the group of %s does not end; its work stays claimed", identity)
            return
        worker = Worker.objects.filter(pk=identity.worker_id).first()
        if worker is None or self._give_back(worker):
            liveness.forget(identity)

    def _give_back(self, worker: Worker) -> bool:
        """Give back all that the worker was running; True when nothing of it is left."""
        for subagent in worker.subagents.select_related("pool").filter(state=State.RUNNING):
            logger.warning("%s lost its worker (attempt %d)", subagent, subagent.attempt)
            attempt.remove_workdir(subagent.pk, subagent.attempt)
            self._end_or_give_back(subagent, worker)
        for turn in worker.turns.filter(state=Turn.State.RUNNING):
            logger.warning("%s lost its worker (attempt %d)", turn, turn.attempt)
            turns.give_back(turn)
        running: Any = worker.subagents.filter(state=State.RUNNING)
        return not running.exists() and not worker.turns.filter(state=Turn.State.RUNNING).exists()

    def _end_or_give_back(self, subagent: Subagent, worker: Worker) -> None:
        """Give an attempt back; one that a keeper ended and did not live to store is overdue."""
        late = outcome.overdue(subagent, timezone.now()) if worker.host == settings.HOST_ID else None
        if late is not None and subagent.cancel_requested_at is None:
            pool.finish(subagent, late)
        else:
            pool.give_back(subagent)

    def _stop_what_is_over(self, until: float) -> bool:
        now = timezone.now()
        grace = timedelta(seconds=settings.CANCEL_GRACE_SECONDS)
        over = Subagent.objects.to_be_stopped(now, now - grace).select_related("worker", "pool")
        for subagent in over.filter(worker__host=settings.HOST_ID):
            if subagent.worker is not None:
                self._stop_by_force(subagent, subagent.worker, now)
            if time.monotonic() > until:
                return True
        return False

    def _stop_by_force(self, subagent: Subagent, worker: Worker, now: datetime) -> None:
        """Stop the process, make sure that it still runs this very attempt, end its group, say why.

        The chat worker is everybody's: there the row ends, and the call gives up when it sees that.
        """
        if worker.kind == Worker.Kind.CHAT:
            pool.finish(subagent, _why(subagent, now))
            return
        if not process_groups.send(worker.pid, worker.started_ticks, signal.SIGSTOP):
            return  # dead already: `bury_the_dead` deals with it
        mine = Subagent.objects.filter(
            pk=subagent.pk, attempt=subagent.attempt, state=State.RUNNING, worker=worker
        )
        if not mine.exists():
            process_groups.send(worker.pid, worker.started_ticks, signal.SIGCONT)
            return
        if _end_group(worker.pid, worker.started_ticks):
            attempt.remove_workdir(subagent.pk, subagent.attempt)
            pool.finish(subagent, _why(subagent, now))


@dataclass(frozen=True)
class _Load:
    """Whether anything waits in a pool, and whether anything has a slot."""

    waits: bool
    works: bool


def _loads() -> dict[str, _Load]:
    """Return the load of each pool by one query, so that an idle house costs one."""
    here = Subagent.objects.filter(pool_id=OuterRef("pk"))
    queued, occupying = here.filter(state=State.QUEUED), here.occupying()
    pools = Pool.objects.annotate(waits=Exists(queued), works=Exists(occupying))
    return {name: _Load(waits, works) for name, waits, works in pools.values_list("name", "waits", "works")}


def _why(subagent: Subagent, now: datetime) -> Outcome:
    if subagent.cancel_requested_at is not None:
        return Outcome(state=State.CANCELLED)
    return outcome.overdue(subagent, now) or outcome.failed("worker_lost", "It was stopped.")


def _expire(until: float) -> bool:
    """Fail a few at a time; True if the time is over and more are left."""
    while pool.expire(timezone.now(), EXPIRE_AT_ONCE) == EXPIRE_AT_ONCE:
        if time.monotonic() > until:
            return True
    return False


def _end_group(group: int, leader_ticks: int) -> bool:
    """Kill a process group and wait until no process of it is left; False if one stays."""
    deadline = time.monotonic() + DEATH_WAIT_SECONDS
    while process_groups.send(group, leader_ticks, signal.SIGKILL):
        if process_groups.is_gone(group, leader_ticks):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def hold_the_post(path: Path) -> int:
    """Take the lock that makes this the only keeper of the host; returns its descriptor.

    Raises `BlockingIOError` if another keeper holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
