"""One-time login links: make one, use it once."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from mcpchat_project.accounts.models import LoginLink

KEPT_DAYS = 30


def make_link(user: User) -> str:
    """Return the token of a new link for `user`; it works for LOGIN_LINK_SECONDS."""
    now = timezone.now()
    LoginLink.objects.filter(expires_at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(seconds=settings.LOGIN_LINK_SECONDS)
    LoginLink.objects.create(user=user, token_hash=_hash(token), expires_at=expires_at)
    return token


def link_url(site: str, token: str) -> str:
    """Return the address of the link, below the site's own address."""
    return site.rstrip("/") + reverse("login-link", args=[token])


def use_link(token: str) -> User | None:
    """Return the user whom the link logs in, and never again; None if it is unknown, used or expired."""
    now = timezone.now()
    # The condition is on the row that is written: of two at once, the database lets one through.
    moved = LoginLink.objects.usable(now).filter(token_hash=_hash(token)).update(used_at=now)
    if moved != 1:
        return None
    user = LoginLink.objects.select_related("user").get(token_hash=_hash(token)).user
    return user if user.is_active else None


def is_usable(token: str) -> bool:
    """Tell whether `use_link` would work now, without using the link."""
    found = LoginLink.objects.usable(timezone.now()).filter(token_hash=_hash(token))
    return found.filter(user__is_active=True).exists()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
