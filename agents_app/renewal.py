"""Renews the leases of this host's living processes, in a thread of the keeper's own.

No other duty can hold it up: a broker that hangs or a long queue must not cost this host its work.

A lease that is over is never renewed where other hosts judge by it: whoever lapsed is taken for dead, so what
still lives of it is killed here too. That covers a pause of the whole host, after which this thread may be
faster than the fences of the workers.
"""

import logging
import threading
import time
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from agents_app import lease, liveness, process_groups
from agents_app.lease import Lease
from agents_app.liveness import Identity
from agents_app.models import Worker

logger = logging.getLogger(__name__)

RENEW_SECONDS = 1.0


def renew(keeper: Identity) -> None:
    """Renew the leases of all who hold their locks, and tell them until when; end those who lost theirs."""
    until = Lease.from_now()  # before the row is written: the stamp must not say more than the row
    others = [identity for identity in liveness.identities() if identity != keeper]
    alive = [keeper, *filter(liveness.is_alive, others)]
    renewed = _renew([identity.worker_id for identity in alive], until.expires_at)
    lease.stamp(until)
    if renewed < len(alive):
        _end_the_lost([identity for identity in alive if identity != keeper])


def _renew(ids: list[UUID], until: datetime) -> int:
    rows = Worker.objects.filter(pk__in=ids)
    if settings.SEVERAL_HOSTS:
        # One statement is a transaction; to say so costs PostgreSQL two more round trips each second.
        return rows.not_lapsed(timezone.now()).update(lease_expires_at=until)
    with transaction.atomic():  # SQLite's gate stands before transactions
        return rows.update(lease_expires_at=until)


def _end_the_lost(alive: list[Identity]) -> None:
    """Kill who lives without a lease: it was over, or another host deleted the row and runs the work.

    The row of one that has just locked its file may be on its way.
    """
    rows = Worker.objects.filter(pk__in=[identity.worker_id for identity in alive])
    leases = dict(rows.values_list("pk", "lease_expires_at"))
    now = timezone.now()
    for identity in alive:
        expires_at = leases.get(identity.worker_id)
        lapsed = settings.SEVERAL_HOSTS and expires_at is not None and expires_at <= now
        unknown = expires_at is None and liveness.age_seconds(identity) > settings.LEASE_SECONDS
        if lapsed or unknown:
            logger.warning("%s %d lives without a lease: ending it", identity.kind, identity.pid)
            process_groups.kill(identity.pid, identity.started_ticks)


class Renewal:
    """The thread. It holds its own connection to the database."""

    def __init__(self, keeper: Identity) -> None:
        self._keeper = keeper
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)

    def start(self) -> None:
        """Renew every second from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; waits for one that is under way, a second at most."""
        self._stopped.set()
        self._thread.join(RENEW_SECONDS)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            self._try()
            due = max(due + RENEW_SECONDS, time.monotonic())
            self._stopped.wait(due - time.monotonic())
        connection.close()

    def _try(self) -> None:
        try:
            renew(self._keeper)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("could not renew the leases: %s", type(error).__name__)
            connection.close()
        except Exception:
            logger.exception("renewing the leases failed")
