"""Gives back the work of hosts whose leases lapsed: one keeper does it for all, replaced within 5 s."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from agents_app.lease import Lease
from agents_app.models import Worker
from agents_app.pulse import LAPSE_SECONDS, Pulse
from agents_app.singletons import Post

logger = logging.getLogger(__name__)

TURN_SECONDS = 0.1


class OtherHosts:
    """The scan of the keeper `holder`; `give_back` gives a worker's work back and tells whether it is all."""

    def __init__(self, holder: str, pulse: Pulse, give_back: Callable[[Worker], bool]) -> None:
        self._post = Post("other hosts", holder)
        self._pulse = pulse
        self._give_back = give_back
        self._quiet_until = Lease.from_now(0)

    def bury_other_hosts(self) -> bool:
        """Give back the work of those whose lease lapsed: they have ended it themselves by then.

        A keeper that was paused, or whose database was, waits a full lease first: all leases may look lapsed
        to it. One that comes to the post without a pause need not wait. Returns True if more is to do now.
        """
        if settings.SEVERAL_HOSTS and not self._post.is_mine():
            return False
        now, until = timezone.now(), time.monotonic() + TURN_SECONDS
        if not self._pulse.is_steady() or not self._quiet_until.is_over():
            return False
        for worker in Worker.objects.elsewhere(settings.HOST_ID).order_by("lease_expires_at"):
            judged_in = (worker.lease_expires_at - now).total_seconds() + LAPSE_SECONDS
            if judged_in >= 0:
                self._keep_quiet(judged_in)
                return False
            self._bury(worker)
            if time.monotonic() > until:
                return True
        self._keep_quiet(settings.LEASE_SECONDS)
        return False

    def leave(self) -> None:
        """Give up the post, if it is held."""
        if settings.SEVERAL_HOSTS:
            self._post.give_up()

    def _bury(self, worker: Worker) -> None:
        logger.warning("%s is lost: its lease lapsed", worker)
        if self._give_back(worker):
            before = timezone.now() - timedelta(seconds=LAPSE_SECONDS)
            Worker.objects.filter(pk=worker.pk, lease_expires_at__lt=before).delete()

    def _keep_quiet(self, seconds: float) -> None:
        """Ask again when a lease can have lapsed: known ones only grow, a new one begins whole."""
        self._quiet_until = Lease.from_now(min(seconds, settings.LEASE_SECONDS))
