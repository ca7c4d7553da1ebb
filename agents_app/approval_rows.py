"""What users were asked before a tool ran, and what they said for the times to come."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from sessions_app.models import ChatSession


class Approval(models.Model):
    """A call of the main agent that waits for its user's word, and what the word was.

    Its id is that of the call, so a turn that goes on elsewhere finds the answer.
    """

    class State(models.TextChoices):
        """Pending until the user decides; dropped if the turn ended before that."""

        PENDING = "pending"
        ALLOWED = "allowed"
        REFUSED = "refused"
        DROPPED = "dropped"

    id = models.UUIDField(primary_key=True, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="approvals")
    turn = models.ForeignKey("agents_app.Turn", on_delete=models.CASCADE, related_name="approvals")
    seq = models.BigIntegerField(help_text="its place in the session")
    tool_name = models.CharField(max_length=100)
    args = models.JSONField(default=dict, help_text="as the model gave them, or as the user changed them")
    edited = models.BooleanField(default=False, help_text="whether the user changed the arguments")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    scope = models.CharField(max_length=10, blank=True, help_text="once, session or always")
    reason = models.CharField(max_length=1000, blank=True, help_text="why it was refused: the model is told")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.state}"


class ToolPolicy(models.Model):
    """What an operator decided of a built-in tool, for everybody; without a row the tool's own word holds."""

    class Approval(models.TextChoices):
        """Called without asking, only with its user's word, or not at all."""

        ALLOW = "allow"
        ASK = "ask"
        DENY = "deny"

    tool_name = models.CharField(max_length=64, unique=True)
    approval = models.CharField(max_length=10, choices=Approval)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["tool_name"]
        verbose_name = "tool policy"
        verbose_name_plural = "tool policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(approval__in=["allow", "ask", "deny"]), name="tool_policy_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name}: {self.approval}"


class ToolPermission(models.Model):
    """A tool that a user allowed for a whole session, or for always (no session)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(
        ChatSession, null=True, blank=True, on_delete=models.CASCADE, related_name="tool_permissions"
    )
    tool_name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["tool_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "tool_name"], condition=Q(session=None), name="allowed_always_once"
            ),
            models.UniqueConstraint(fields=["session", "tool_name"], name="allowed_in_session_once"),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {'in a session' if self.session_id else 'always'}"

    @classmethod
    def covers(cls, session: Any, tool_name: str) -> bool:
        """Whether the session's owner has allowed the tool there or everywhere."""
        mine = cls.objects.filter(owner_id=session.owner_id, tool_name=tool_name)
        return mine.filter(Q(session=None) | Q(session=session)).exists()
