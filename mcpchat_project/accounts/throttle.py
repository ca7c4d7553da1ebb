"""Slows down guessing passwords: at most 5 attempts on a user and 30 in all, from one address in 15 minutes.

The database counts, so that all web processes count together and a restart forgets nothing.
"""

from datetime import timedelta

from django.utils import timezone

from mcpchat_project.accounts.models import LoginAttempt

WINDOW = timedelta(minutes=15)
ATTEMPTS_ON_USER = 5
ATTEMPTS_FROM_ADDRESS = 30


def admit(username: str, address: str) -> bool:
    """Count an attempt and tell whether it may go on. One that may not does not prolong the wait.

    The attempt is written before it is counted: of many at once, no more than the limit get through.
    """
    since = timezone.now() - WINDOW
    LoginAttempt.objects.exclude(created_at__gt=since).delete()
    attempt = LoginAttempt.objects.create(username=_key(username), address=address)
    recent = LoginAttempt.objects.since(since)
    on_user = recent.on(_key(username), address).count()
    from_address = recent.filter(address=address).count()
    if on_user > ATTEMPTS_ON_USER or from_address > ATTEMPTS_FROM_ADDRESS:
        attempt.delete()
        return False
    return True


def forget(username: str, address: str) -> None:
    """Drop the attempts on a user from an address, after one succeeded."""
    LoginAttempt.objects.all().on(_key(username), address).delete()


def _key(username: str) -> str:
    return username.casefold()[:150]
