"""The row of a file. Uploads write it in `receiving`, work in `delivering`; `removal` takes it away."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from sessions_app.models import ChatSession

NAME_MAX_CHARACTERS = 255


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    """Files."""

    def owned_by(self, owner_id: Any) -> "StoredFileQuerySet":
        """Those of a user: not of sessions that were deleted, not of attempts that were superseded."""
        return self.filter(owner_id=owner_id, session__deleted_at=None).of_present_attempts()

    def of_present_attempts(self) -> "StoredFileQuerySet":
        """Without those that an attempt delivered whose work was given to another since."""
        return self.filter(Q(subagent=None) | Q(attempt=F("subagent__attempt")))

    def of_superseded_attempts(self) -> "StoredFileQuerySet":
        """Those that an attempt delivered whose work was given to another since."""
        return self.filter(attempt__lt=F("subagent__attempt"))

    def kept(self, now: datetime) -> "StoredFileQuerySet":
        """Those whose time is not over."""
        return self.filter(expires_at__gt=now)

    def ready(self, now: datetime) -> "StoredFileQuerySet":
        """Those that are there whole."""
        return self.kept(now).filter(state="ready")


class StoredFile(models.Model):
    """A file; its bytes are at `FILES_DIR/<id>` until it expires, its row tells for longer what it was."""

    class State(models.TextChoices):
        """Receiving until the last byte of an upload is there; what work delivers is ready at once."""

        RECEIVING = "receiving"
        READY = "ready"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    session = models.ForeignKey(
        ChatSession, null=True, blank=True, on_delete=models.CASCADE, related_name="files"
    )
    subagent = models.ForeignKey(
        "Subagent",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="files",
        help_text="the work that delivered it; empty for an upload and for a fast call",
    )
    attempt = models.PositiveIntegerField(default=0, help_text="of the subagent; 0 without one")
    name = models.CharField(max_length=NAME_MAX_CHARACTERS, help_text="the name it is downloaded under")
    size = models.PositiveBigIntegerField(help_text="bytes; of an upload as it was announced")
    received = models.PositiveBigIntegerField(default=0, help_text="bytes that are there")
    sha256 = models.CharField(max_length=64, blank=True, help_text="of what is there whole")
    expected_sha256 = models.CharField(max_length=64, blank=True, help_text="as an upload announced it")
    content_type = models.CharField(max_length=100, blank=True, help_text="by its content")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVING)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(help_text="its bytes are gone soon after")

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(received__lte=F("size")), name="file_received_at_most_its_size"
            ),
            models.CheckConstraint(
                condition=Q(state="receiving", sha256="")
                | (Q(state="ready", received=F("size")) & ~Q(sha256="")),
                name="file_ready_iff_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="file_newest"),
            models.Index(fields=["expires_at"], name="file_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"
