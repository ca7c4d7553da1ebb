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
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone

from agents_app import admission, liveness, maintenance, places, pool, process_groups, runner, turns
from agents_app.liveness import Identity
from agents_app.models import Pool, Subagent, Turn, Worker
from agents_app.outcome import Outcome
from agents_app.places import Place
from agents_app.presentation import announce_place
from agents_app.watch import Watch

logger = logging.getLogger(__name__)

PROBE_SECONDS = 0.2
ENFORCE_SECONDS = 0.5
RENEW_SECONDS = 2.0
DEATH_WAIT_SECONDS = 5.0
LAPSE_SECONDS = 2.0
SEE_OFF_SECONDS = 3.0
State = Subagent.State


class Keeper:
    """Runs its duties in turn, each at its own interval, until told to stop."""

    def __init__(self) -> None:
        self.stopping = False
        watch = Watch()
        self._duties: list[tuple[float, Callable[[], None]]] = [
            (PROBE_SECONDS, self.bury_the_dead),
            (ENFORCE_SECONDS, self.enforce),
            (RENEW_SECONDS, self.renew_leases),
            (1.0, self.move_the_queues),
            (1.0, self.bury_other_hosts),
            (1.0, watch.movements),
            (5.0, watch.health),
            (5.0, maintenance.tend),
        ]
        self._due: dict[Callable[[], None], float] = {}
        self._places: dict[str, dict[UUID, tuple[UUID, Place]]] = {}
        self._last_scan = time.monotonic()
        self._scan_from = 0.0
        self.identity = liveness.register(Worker.Kind.KEEPER)

    def run(self) -> None:
        """Keep until `stopping`; an error in one duty never stops the others."""
        while not self.stopping:
            for interval, duty in self._duties:
                if time.monotonic() >= self._due.get(duty, 0.0):
                    self._due[duty] = time.monotonic() + interval
                    self._do(duty)
            time.sleep(PROBE_SECONDS / 2)
        self._see_off()
        liveness.forget(self.identity)

    def bury_the_dead(self) -> None:
        """Deal with each process of this host that lost its lock: end its group, give its work back."""
        for identity in liveness.identities():
            if identity != self.identity and not liveness.is_alive(identity):
                self._bury(identity)

    def enforce(self) -> None:
        """End by force what is past a deadline or did not heed a cancel; fail what waited too long."""
        now = timezone.now()
        grace = timedelta(seconds=settings.CANCEL_GRACE_SECONDS)
        for subagent in Subagent.objects.to_be_stopped(now, now - grace).select_related("worker"):
            if subagent.worker is not None and subagent.worker.host == settings.HOST_ID:
                self._stop_by_force(subagent, subagent.worker, now)
        pool.expire(now)

    def renew_leases(self) -> None:
        """Renew this host's living workers in one UPDATE; bury rows whose lock file somebody removed."""
        others = [identity for identity in liveness.identities() if identity != self.identity]
        alive = [self.identity, *filter(liveness.is_alive, others)]
        lease = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        with transaction.atomic():
            rows = Worker.objects.filter(pk__in=[identity.worker_id for identity in alive])
            rows.update(lease_expires_at=lease)
        for worker in (
            Worker.objects.here(settings.HOST_ID)
            .exclude(lease_expires_at=lease)
            .exclude(pk=self.identity.worker_id)
        ):
            if not liveness.lock_path(worker.pk).exists():
                self._bury(Identity(worker.pk, worker.kind, worker.pid, worker.started_ticks))

    def move_the_queues(self) -> None:
        """Admit where there is room, and send again what was lost on the way to a worker."""
        now = timezone.now()
        for name in Pool.objects.values_list("name", flat=True):
            admission.admit(name)
            self._tell_places(name)
        admission.learn_durations()
        admission.send_again(now)
        turns.send_again(now)

    def bury_other_hosts(self) -> None:
        """Give back the work of hosts whose lease lapsed: they have ended it themselves by then.

        A keeper that was paused itself waits one full lease first: the others may have been paused too.
        """
        moment = time.monotonic()
        if moment - self._last_scan > LAPSE_SECONDS:
            self._scan_from = moment + settings.LEASE_SECONDS
        self._last_scan = moment
        if moment < self._scan_from:
            return
        before = timezone.now() - timedelta(seconds=LAPSE_SECONDS)
        for worker in Worker.objects.lapsed_elsewhere(settings.HOST_ID, before):
            logger.warning("%s is lost: its lease lapsed", worker)
            if self._give_back(worker):
                Worker.objects.filter(pk=worker.pk, lease_expires_at__lt=before).delete()

    def _see_off(self) -> None:
        """At a shutdown of the host, give back what its workers leave, and clear their traces away."""
        deadline = time.monotonic() + SEE_OFF_SECONDS
        while liveness.identities() != [self.identity] and time.monotonic() < deadline:
            self._do(self.bury_the_dead)
            time.sleep(PROBE_SECONDS / 4)

    def _tell_places(self, pool_name: str) -> None:
        """Announce the places in a queue that changed since the last look."""
        found = places.first_of_each_owner(pool_name)
        known = self._places.get(pool_name, {})
        self._places[pool_name] = found
        for subagent_id, (session_id, place) in found.items():
            if subagent_id in known and known[subagent_id][1].position != place.position:
                announce_place(session_id, subagent_id, place)

    def _do(self, duty: Callable[[], None]) -> None:
        try:
            duty()
        except Exception:  # a database that is away must not end the keeper
            logger.exception("%s failed", duty.__name__)
            close_old_connections()

    def _bury(self, identity: Identity) -> None:
        worker = Worker.objects.filter(pk=identity.worker_id).first()
        if identity.kind == Worker.Kind.AGENTS and not _end_group(identity.pid, identity.started_ticks):
            logger.warning("the group of %s does not end; its work stays claimed", worker or identity)
            return
        if worker is None or self._give_back(worker):
            liveness.forget(identity)

    def _give_back(self, worker: Worker) -> bool:
        """Give back all that the worker was running; True when nothing of it is left."""
        for subagent in worker.subagents.select_related("pool").filter(state=State.RUNNING):
            logger.warning("%s lost its worker (attempt %d)", subagent, subagent.attempt)
            runner.remove_workdir(subagent.pk, subagent.attempt)
            pool.give_back(subagent)
        for turn in worker.turns.filter(state=Turn.State.RUNNING):
            logger.warning("%s lost its worker (attempt %d)", turn, turn.attempt)
            turns.give_back(turn)
        running: Any = worker.subagents.filter(state=State.RUNNING)
        return not running.exists() and not worker.turns.filter(state=Turn.State.RUNNING).exists()

    def _stop_by_force(self, subagent: Subagent, worker: Worker, now: datetime) -> None:
        """Stop the process, make sure that it still runs this very attempt, end its group, say why."""
        if not process_groups.send(worker.pid, worker.started_ticks, signal.SIGSTOP):
            return  # dead already: `bury_the_dead` deals with it
        mine = Subagent.objects.filter(
            pk=subagent.pk, attempt=subagent.attempt, state=State.RUNNING, worker=worker
        )
        if not mine.exists():
            process_groups.send(worker.pid, worker.started_ticks, signal.SIGCONT)
            return
        if _end_group(worker.pid, worker.started_ticks):
            runner.remove_workdir(subagent.pk, subagent.attempt)
            pool.finish(subagent, _why(subagent, now))


def _why(subagent: Subagent, now: datetime) -> Outcome:
    if subagent.cancel_requested_at is not None:
        return Outcome(state=State.CANCELLED)
    if subagent.deadline_at is not None and subagent.deadline_at <= now:
        seconds = subagent.execution_timeout_seconds
        error = {"code": "timeout", "message": f"It ran longer than {seconds:g} s and was stopped."}
    else:
        seconds = subagent.idle_timeout_seconds
        error = {"code": "idle_timeout", "message": f"It made no progress for {seconds:g} s and was stopped."}
    return Outcome(state=State.FAILED, error=error)


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
