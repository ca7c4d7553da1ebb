"""Everything that thinks or works: turns, pools, subagents, the processes that run them."""

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from agents_app.approval_rows import Approval, ToolPermission, ToolPolicy
from agents_app.files.model import StoredFile
from agents_app.maintenance_rows import MaintenanceRun
from agents_app.mcp_servers.model import McpServer
from agents_app.model_providers import ModelProvider
from agents_app.querysets import SubagentQuerySet, WorkerQuerySet
from agents_app.spending import SessionSpending
from agents_app.turn_rows import ToolCall, Turn
from sessions_app.models import ChatSession

__all__ = [
    "Approval", "MaintenanceRun", "McpServer", "ModelProvider", "Pool", "PoolShare", "SessionSpending",
    "Singleton", "StoredFile", "Subagent", "Tally", "ToolCall", "ToolPermission", "ToolPolicy", "Turn",
    "Worker",
]  # fmt: skip

# 0 would mean both "no limit" and "nothing"; a pool that shall do nothing is paused.
_AT_LEAST_1 = [MinValueValidator(1)]


class Worker(models.Model):
    """A process that works, on some host.

    On its own host it is alive while it holds the lock on its file in `LOCK_DIR`; for other hosts it is
    alive until its lease ends. What it runs carries its id, so one lease a process serves all its work.
    """

    class Kind(models.TextChoices):
        """An agents worker's child takes one subagent at a time; the others are the singletons of a host."""

        AGENTS = "agents"
        CHAT = "chat"
        KEEPER = "keeper"
        BEAT = "beat"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField(help_text="also its process group, if it leads one")
    started_ticks = models.BigIntegerField(
        help_text="start time in clock ticks since boot: tells a reused pid"
    )
    queues = models.CharField(max_length=200, default=" ", help_text="blank-separated, blanks at both ends")
    started_at = models.DateTimeField(auto_now_add=True)
    lease_expires_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["host"], name="worker_host")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pid}@{self.host}"


class Pool(models.Model):
    """A kind of capacity: at most `cap` subagents of it are admitted or running, over all machines."""

    name = models.CharField(primary_key=True, max_length=40)
    cap = models.PositiveIntegerField(help_text="most subagents at once; may be changed at any time")
    queue_limit = models.PositiveIntegerField(default=1000, help_text="most subagents that wait")
    queue_timeout_seconds = models.PositiveIntegerField(default=900, help_text="longest wait for a start")
    idle_timeout_seconds = models.PositiveIntegerField(default=120, help_text="longest time without progress")
    owner_cap = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_AT_LEAST_1,
        help_text="most subagents of one user at once; empty for no such limit",
    )
    session_cap = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=_AT_LEAST_1,
        help_text="most subagents of one chat session at once; empty for no such limit",
    )
    paused = models.BooleanField(default=False, help_text="admit nothing; what runs goes on")
    clock = models.BigIntegerField(default=0, editable=False, help_text="round of the last admission")
    admissions = models.BigIntegerField(default=0, editable=False, help_text="how many there were")
    typical_seconds = models.FloatField(
        null=True, editable=False, help_text="mean duration of what ended last; empty until something has"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PoolShare(models.Model):
    """How many rounds an owner has had in a pool; the lowest one with work waiting goes next."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="shares")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    round = models.BigIntegerField(default=0)
    last_admission = models.BigIntegerField(default=0, help_text="its number: who waited longer breaks a tie")
    queued = models.IntegerField(
        default=0,
        help_text="how many of the owner's wait: counting them at each step costs more the more wait",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "owner"], name="one_share_an_owner")]

    def __str__(self) -> str:
        return f"{self.owner_id} in {self.pool_id}: round {self.round}"


class Subagent(models.Model):
    """A piece of heavy work that the main agent handed out."""

    class State(models.TextChoices):
        """queued waits for a slot; admitted has one and its message is on the way; running is in a worker.

        The other three are final: each subagent reaches exactly one of them, once.
        """

        QUEUED = "queued"
        ADMITTED = "admitted"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without indexes of their own: those below cover what is asked for, and each costs every insert.
    session = models.ForeignKey(
        ChatSession, on_delete=models.CASCADE, related_name="subagents", db_index=False
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="subagents", db_index=False)
    turn = models.ForeignKey(
        Turn, null=True, blank=True, on_delete=models.SET_NULL, related_name="subagents", db_index=False
    )
    seq = models.BigIntegerField(help_text="seq of the event that queued it: its place in the session")
    agent_type = models.CharField(max_length=40)
    tool_name = models.CharField(max_length=100)
    title = models.CharField(max_length=300)
    args = models.JSONField(default=dict)
    idempotency_key = models.CharField(max_length=200, blank=True)
    queue = models.CharField(max_length=20, blank=True, help_text="what carries its id; empty for its pool")
    priority = models.SmallIntegerField(default=0, help_text="higher goes first among the owner's own")
    safe_to_repeat = models.BooleanField(default=False)
    execution_timeout_seconds = models.FloatField(default=300)
    idle_timeout_seconds = models.FloatField(default=120, help_text="longest time without progress")

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=1)
    attempts = models.JSONField(default=list, blank=True, help_text="how each earlier attempt ended")
    worker = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="subagents", db_index=False
    )
    progress = models.FloatField(default=0, help_text="percent 0-100")
    stage = models.CharField(max_length=100, blank=True)
    estimated_seconds_left = models.FloatField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    queued_at = models.DateTimeField()
    queue_deadline_at = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when its message was last sent")
    started_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    idle_deadline_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    result = models.JSONField(
        null=True, blank=True, help_text="summary and data; partial if it did not finish"
    )
    report = models.TextField(blank=True, help_text="Markdown")
    error = models.JSONField(null=True, blank=True)

    objects = SubagentQuerySet.as_manager()

    class Meta:
        ordering = ["-queued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="subagent_submitted_once",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(started_at__isnull=False, worker__isnull=False),
                name="running_has_started_in_a_process",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False, state__in=["succeeded", "failed", "cancelled"])
                | Q(finished_at__isnull=True, state__in=["queued", "admitted", "running"]),
                name="finished_iff_final",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | Q(error__isnull=False), name="failed_has_an_error"
            ),
        ]
        indexes = [
            models.Index(
                fields=["pool", "owner", "-priority", "queued_at", "id"],
                condition=Q(state="queued"),
                name="subagent_queue",
            ),
            models.Index(
                fields=["pool"], condition=Q(state__in=["admitted", "running"]), name="subagent_occupying"
            ),
            models.Index(
                fields=["queue_deadline_at"],
                condition=Q(state__in=["queued", "admitted"]),
                name="subagent_queue_deadline",
            ),
            models.Index(fields=["session", "seq"], name="subagent_place"),
            models.Index(fields=["turn"], condition=Q(turn__isnull=False), name="subagent_turn"),
            models.Index(fields=["worker"], condition=Q(worker__isnull=False), name="subagent_worker"),
            models.Index(
                fields=["pool", "-finished_at"],
                condition=Q(state__in=["succeeded", "failed"], started_at__isnull=False),
                name="subagent_ended_last",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in (self.State.SUCCEEDED, self.State.FAILED, self.State.CANCELLED)


class Singleton(models.Model):
    """A post that one process at a time holds, over all hosts; see `agents_app/singletons.py`."""

    name = models.CharField(primary_key=True, max_length=40)
    holder = models.CharField(max_length=100)
    expires_at = models.DateTimeField(help_text="until when nobody else may take it")

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class Tally(models.Model):
    """A number that only grows and outlives the rows that it counts, such as `maintenance/logs_rotated`."""

    name = models.CharField(primary_key=True, max_length=150)
    value = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
