"""The runs of the maintenance agent."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class MaintenanceRun(models.Model):
    """One clean-up: which jobs ran, what each did. At most one runs at a time."""

    class Kind(models.TextChoices):
        """Hourly and deep runs are scheduled (a deep one runs every job); forced ones somebody asked for."""

        HOURLY = "hourly"
        DEEP = "deep"
        FORCED = "forced"

    class State(models.TextChoices):
        """Running from the moment it is asked for; failed if a job failed or its process died."""

        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    deep = models.BooleanField(default=False, help_text="whether the deep jobs run too")
    slot = models.CharField(max_length=200, unique=True, help_text="what it is the only run of")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    host = models.CharField(max_length=255, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True, help_text="empty until a process has taken it")
    started_ticks = models.BigIntegerField(
        null=True, blank=True, help_text="start of the process: tells a reused pid"
    )
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when its message was last sent")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    results = models.JSONField(default=dict, blank=True, help_text="a line and counts for each job")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="one_run_at_a_time"),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed"], finished_at__isnull=False),
                name="run_finished_iff_ended",
            ),
        ]
        indexes = [models.Index(fields=["-started_at"], name="maintenance_newest")]

    def __str__(self) -> str:
        return f"{'deep ' if self.deep else ''}{self.kind} run {self.state}"
