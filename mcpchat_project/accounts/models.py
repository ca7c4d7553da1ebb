"""How people get in: one-time links, and the failed attempts that slow guessing down."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from mcpchat_project.accounts.querysets import LoginAttemptQuerySet, LoginLinkQuerySet


class LoginLink(models.Model):
    """A link that logs its user in once. Only the SHA-256 of its token is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="login_links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = LoginLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(used_at__lte=F("expires_at")), name="link_used_in_time"
            )
        ]

    def __str__(self) -> str:
        return f"Login link of {self.user}"


class LoginAttempt(models.Model):
    """A login by password that did not succeed, or has not yet."""

    username = models.CharField(max_length=150, help_text="as typed, in lower case")
    address = models.CharField(max_length=45, help_text="where it came from")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LoginAttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["address", "created_at"], name="attempts_of_address")]

    def __str__(self) -> str:
        return f"{self.username} from {self.address}"
