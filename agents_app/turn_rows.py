"""The answers of the main agent, and the fast calls that it and programs made."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from agents_app.spending import Spending
from sessions_app.models import ChatSession


class TurnQuerySet(models.QuerySet["Turn"]):
    """Turns."""

    def unfinished(self) -> "TurnQuerySet":
        """Queued, running or waiting for an approval."""
        return self.filter(state__in=["queued", "running", "awaiting_approval"])

    def never_started(self, sent_before: datetime) -> "TurnQuerySet":
        """Queued ones whose message is late."""
        return self.filter(state="queued").filter(Q(sent_at=None) | Q(sent_at__lte=sent_before))


class Turn(Spending):
    """One answer of the main agent: it takes up all messages that wait and ends when it has answered."""

    class State(models.TextChoices):
        """A session has at most one turn that is queued, running or awaiting approval."""

        QUEUED = "queued"
        RUNNING = "running"
        AWAITING_APPROVAL = "awaiting_approval"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="turns", db_index=False)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=1)
    model = models.CharField(max_length=200, blank=True)
    worker = models.ForeignKey(
        "agents_app.Worker", null=True, blank=True, on_delete=models.SET_NULL, related_name="turns"
    )
    steps = models.JSONField(default=list, blank=True, help_text="the model messages of this turn so far")
    deaths = models.PositiveIntegerField(default=0, help_text="attempts whose process died")
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when its message was last sent")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)

    objects = TurnQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state__in=["queued", "running", "awaiting_approval"]),
                name="one_unfinished_turn",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "session"], name="turn_state_session"),
            models.Index(fields=["session", "-created_at"], name="turn_newest"),
        ]

    def __str__(self) -> str:
        return f"turn {self.pk} {self.state}"


class ToolCall(models.Model):
    """A fast call: made by the main agent in a turn or by a program; kept as the audit."""

    class State(models.TextChoices):
        """A call that was running when its process died is failed by the turn that goes on."""

        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="tool_calls")
    turn = models.ForeignKey(
        Turn, null=True, blank=True, on_delete=models.SET_NULL, related_name="tool_calls"
    )
    seq = models.BigIntegerField(help_text="its place in the session")
    tool_name = models.CharField(max_length=100)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    result = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    subagent = models.OneToOneField(
        "agents_app.Subagent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="call",
        help_text="what it goes on as, in the background",
    )
    deadline_at = models.DateTimeField(
        null=True, blank=True, help_text="set if another process makes the call: it is lost after that"
    )
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="when that process took it")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when its message was last sent")
    is_imported = models.BooleanField(
        default=False, db_default=False, help_text="it came with an imported chat and was not made here"
    )

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["deadline_at"],
                condition=Q(state="running", deadline_at__isnull=False),
                name="call_handed_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.state}"
