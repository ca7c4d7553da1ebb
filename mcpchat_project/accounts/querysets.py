"""Named reads of login links and login attempts."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from mcpchat_project.accounts.models import LoginAttempt, LoginLink  # noqa: F401  # a circle at run time


class LoginLinkQuerySet(models.QuerySet["LoginLink"]):
    """Login links."""

    def usable(self, now: datetime) -> "LoginLinkQuerySet":
        """Those that still log somebody in."""
        return self.filter(used_at__isnull=True, expires_at__gt=now)


class LoginAttemptQuerySet(models.QuerySet["LoginAttempt"]):
    """Login attempts."""

    def since(self, moment: datetime) -> "LoginAttemptQuerySet":
        """Those made after `moment`."""
        return self.filter(created_at__gt=moment)

    def on(self, username: str, address: str) -> "LoginAttemptQuerySet":
        """Those on one user's password from one address."""
        return self.filter(username=username, address=address)
