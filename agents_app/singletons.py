"""Posts that one process at a time holds over all hosts: taken by a conditional update, lost by not renewing.

A holder that dies is replaced once its time is over; one that leaves in an orderly way gives the post back.
"""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from agents_app.lease import Lease
from agents_app.models import Singleton

logger = logging.getLogger(__name__)

# A dead holder is replaced when its post expires: within 5 s, with the time until somebody looks.
POST_SECONDS = 4.0
RENEW_SECONDS = 2.0
RETRY_SECONDS = 0.5


def hold(name: str, holder: str, seconds: float) -> bool:
    """Take the post, or renew it, for some seconds from now; False if somebody else has it."""
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    free = Singleton.objects.filter(Q(holder=holder) | Q(expires_at__lte=now), pk=name)
    with transaction.atomic():
        taken = bool(free.update(holder=holder, expires_at=until)) or _create(name, holder, until)
    # An update that took longer than the post lasts gave nothing.
    return taken and timezone.now() < until


def taken_seconds(name: str, holder: str) -> float:
    """Return for how long somebody else has the post; 0 if nobody has it."""
    other = Singleton.objects.filter(pk=name).exclude(holder=holder).first()
    return 0.0 if other is None else max(0.0, (other.expires_at - timezone.now()).total_seconds())


def give_up(name: str, holder: str) -> None:
    """Leave the post to the next one who asks; does nothing if somebody else has it."""
    with transaction.atomic():
        Singleton.objects.filter(pk=name, holder=holder).delete()


def _create(name: str, holder: str, until: datetime) -> bool:
    if Singleton.objects.filter(pk=name).exists():
        return False
    try:
        with transaction.atomic():
            Singleton.objects.create(name=name, holder=holder, expires_at=until)
    except IntegrityError:  # somebody else came first
        return False
    return True


class Post:
    """A post as one process sees it, with as few questions as that takes."""

    def __init__(self, name: str, holder: str) -> None:
        self._name, self._holder = name, holder
        self._held = False
        self._known_until = Lease.from_now(0)

    def is_mine(self) -> bool:
        """Whether this process holds the post now; after a pause it asks anew."""
        if self._known_until.is_over():
            # Taken before the question: the answer is as old as that.
            renew_at, again_at = Lease.from_now(RENEW_SECONDS), Lease.from_now(RETRY_SECONDS)
            try:
                self._held, self._known_until = self._ask(renew_at)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("could not ask for the post %s: %s", self._name, type(error).__name__)
                connection.close()
                self._held, self._known_until = False, again_at
        return self._held

    def give_up(self) -> None:
        """Leave it, at an orderly end."""
        self._held, self._known_until = False, Lease.from_now(POST_SECONDS)
        try:
            give_up(self._name, self._holder)
        except (DatabaseError, InterfaceError):
            logger.warning("%s will be free in %.0f s: the database is away", self._name, POST_SECONDS)

    def _ask(self, renew_at: Lease) -> tuple[bool, Lease]:
        """Return whether it is ours, and until when that need not be asked again."""
        # Read before trying to write: most who ask do not get it.
        if not self._held and (seconds := taken_seconds(self._name, self._holder)):
            return False, Lease.from_now(min(seconds, POST_SECONDS))
        if hold(self._name, self._holder, POST_SECONDS):
            return True, renew_at
        return False, Lease.from_now(RETRY_SECONDS)
