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

# Asked for every half second at least, so a dead holder is replaced within 5 s.
POST_SECONDS = 4.0
ASK_SECONDS = 0.5
RENEW_SECONDS = 1.0
_KNOWN_SECONDS = {True: RENEW_SECONDS, False: ASK_SECONDS}


def hold(name: str, holder: str, seconds: float) -> bool:
    """Take the post, or renew it, for some seconds from now; False if somebody else has it."""
    now = timezone.now()
    post = Singleton.objects.filter(pk=name).first()
    # Read before trying to write: most who ask do not get it.
    if post is not None and post.holder != holder and post.expires_at > now:
        return False
    until = now + timedelta(seconds=seconds)
    with transaction.atomic():
        free = Singleton.objects.filter(Q(holder=holder) | Q(expires_at__lte=now), pk=name)
        taken = bool(free.update(holder=holder, expires_at=until)) if post else _create(name, holder, until)
    # An update that took longer than the post lasts gave nothing.
    return taken and timezone.now() < until


def give_up(name: str, holder: str) -> None:
    """Leave the post to the next one who asks; does nothing if somebody else has it."""
    with transaction.atomic():
        Singleton.objects.filter(pk=name, holder=holder).delete()


def _create(name: str, holder: str, until: datetime) -> bool:
    try:
        with transaction.atomic():
            Singleton.objects.create(name=name, holder=holder, expires_at=until)
    except IntegrityError:  # somebody else came first
        return False
    return True


class Post:
    """A post as one process sees it: asks every half second while others have it, renews every second."""

    def __init__(self, name: str, holder: str) -> None:
        self._name, self._holder = name, holder
        self._held = False
        self._known_until = Lease.from_now(0)

    def is_mine(self) -> bool:
        """Whether this process holds the post now; asks anew after a pause, however short the run before."""
        if self._known_until.is_over():
            began = {held: Lease.from_now(seconds) for held, seconds in _KNOWN_SECONDS.items()}
            self._held = self._ask()
            self._known_until = began[self._held]
        return self._held

    def give_up(self) -> None:
        """Leave it, at an orderly end."""
        self._held, self._known_until = False, Lease.from_now(POST_SECONDS)
        try:
            give_up(self._name, self._holder)
        except (DatabaseError, InterfaceError):
            logger.warning("%s will be free in %.0f s: the database is away", self._name, POST_SECONDS)

    def _ask(self) -> bool:
        try:
            return hold(self._name, self._holder, POST_SECONDS)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("could not ask for the post %s: %s", self._name, type(error).__name__)
            connection.close()
            return False
