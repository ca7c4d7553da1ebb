"""What was said and what happened: chat sessions, their messages, their event log."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from sessions_app.querysets import ChatSessionQuerySet, EventQuerySet, MessageQuerySet


class ChatSession(models.Model):
    """A conversation of one user with the main agent."""

    class State(models.TextChoices):
        """Active sessions take messages; archived ones are put away and can come back; stopped ones ended."""

        ACTIVE = "active"
        ARCHIVED = "archived"
        STOPPED = "stopped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_sessions"
    )
    title = models.CharField(max_length=200, blank=True)
    model = models.CharField(
        max_length=200, blank=True, help_text="provider:model; empty for the server's own choice"
    )
    instructions = models.TextField(blank=True, help_text="what the user wants the agent to heed in it")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    idempotency_key = models.CharField(
        max_length=100, blank=True, editable=False, help_text="the starter's; a repeat returns this row"
    )
    last_seq = models.BigIntegerField(default=0, help_text="seq of the newest event")
    message_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_activity_at = models.DateTimeField(auto_now_add=True, help_text="when somebody last said something")
    branch = models.ForeignKey(
        "Branch",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="the one that is shown and gone on with; empty while nothing was said anew",
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="hidden since then; removed once its work has ended"
    )

    objects = ChatSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-last_activity_at"]
        indexes = [models.Index(fields=["owner", "state", "-last_activity_at"], name="session_list")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["active", "archived", "stopped"]), name="session_state_known"
            ),
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=~Q(idempotency_key="") & Q(deleted_at=None),
                name="session_started_once",
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"Session {str(self.id)[:8]}"

    def kept_seqs(self) -> tuple[int, int]:
        """Return the `seq` of the oldest event that was not pruned, and of the newest."""
        oldest = self.events.order_by("seq").values_list("seq", flat=True).first()
        return oldest or self.last_seq + 1, self.last_seq


class Branch(models.Model):
    """A line of a conversation of which something was said anew; nothing of the others is lost.

    What it consists of are places in the session: what it shares with the branch that it left, and what was
    recorded while it was the session's current one. A session without branches is one line.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="branches")
    ranges = models.JSONField(
        help_text="pairs of seq, first and last; that of the current branch is open: its last is null"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(auto_now_add=True, help_text="when it last became the current one")

    class Meta:
        ordering = ["created_at"]
        verbose_name_plural = "branches"

    def __str__(self) -> str:
        return f"branch {str(self.pk)[:8]}"


class Message(models.Model):
    """One message of a session."""

    class Role(models.TextChoices):
        """Who speaks: a person, the main agent, or a subagent that hands in its result."""

        USER = "user"
        ASSISTANT = "assistant"
        SUBAGENT = "subagent"

    class State(models.TextChoices):
        """Streaming text is still growing; interrupted text ended before the model did."""

        STREAMING = "streaming"
        COMPLETE = "complete"
        INTERRUPTED = "interrupted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The unique constraint on (session, seq) is the index for both.
    session = models.ForeignKey(
        ChatSession, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    seq = models.BigIntegerField(help_text="seq of the event that added it: its place in the session")
    role = models.CharField(max_length=10, choices=Role)
    state = models.CharField(max_length=12, choices=State, default=State.COMPLETE)
    content = models.TextField(blank=True)
    generation = models.PositiveIntegerField(
        default=1, help_text="grows when the text is written anew after a crash"
    )
    wants_answer = models.BooleanField(default=True, help_text="whether a turn is to take it up")
    turn_id = models.UUIDField(null=True, blank=True, help_text="the turn that took it up or wrote it")
    subagent_id = models.UUIDField(null=True, blank=True, help_text="the subagent whose result it is")
    idempotency_key = models.CharField(
        max_length=100, blank=True, help_text="the sender's; a repeat returns this row"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["session", "seq"]
        # What a turn took up, and who waits for one, is asked in each step: whatever the session's length.
        indexes = [models.Index(fields=["session", "turn_id", "seq"], name="message_taken_up")]
        constraints = [
            models.UniqueConstraint(fields=["session", "seq"], name="message_place_unique"),
            models.UniqueConstraint(
                fields=["session", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="message_sent_once",
            ),
            models.UniqueConstraint(
                fields=["subagent_id"], condition=Q(subagent_id__isnull=False), name="one_result_message"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.content[:60]}"


class Event(models.Model):
    """A durable event; `seq` is gapless for each session. Its kinds are in `payloads`."""

    # The unique constraint on (session, seq) is the index for both.
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["session", "seq"]
        constraints = [models.UniqueConstraint(fields=["session", "seq"], name="event_seq_unique")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
