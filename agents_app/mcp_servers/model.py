"""The row of an MCP server. What changes it is in `changes` and `health`."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

NAME_MAX_CHARACTERS = 32


class McpServerQuerySet(models.QuerySet["McpServer"]):
    """MCP servers."""

    def visible_to(self, user: Any) -> "McpServerQuerySet":
        """Those for everybody, and the user's own."""
        return self.filter(Q(owner=None) | Q(owner_id=user.pk))

    def editable_by(self, user: Any) -> "McpServerQuerySet":
        """All for staff, else the user's own."""
        return self.all() if user.is_staff else self.filter(owner_id=user.pk)

    def known_to(self, owner_id: Any) -> "McpServerQuerySet":
        """Those that a user's sessions have: switched on, paused ones too."""
        return self.filter(Q(owner=None) | Q(owner_id=owner_id), enabled=True)

    def usable_by(self, owner_id: Any, now: datetime) -> "McpServerQuerySet":
        """Those whose tools a user's sessions may call now: switched on, and not paused at this moment."""
        return self.known_to(owner_id).exclude(Q(health="paused") & (Q(retry_at=None) | Q(retry_at__gt=now)))

    def to_be_looked_at(self, now: datetime) -> "McpServerQuerySet":
        """Those whose offer nobody knows, and those that failed and are due to be tried again."""
        failed = Q(health="unhealthy") | Q(health="paused", retry_at__lte=now)
        return self.filter(failed | Q(health="unknown"), enabled=True)


class McpServer(models.Model):
    """An MCP server: how it is reached, who uses it, what it may do, how it does.

    `env` and `headers` are secrets: no door shows more of them than their names.
    """

    class Transport(models.TextChoices):
        """A program that is started here and spoken to by its standard input, or an address."""

        STDIO = "stdio", "stdio (a program)"
        HTTP = "http", "Streamable HTTP"

    class Scope(models.TextChoices):
        """Who shares a connection: everybody, each user for himself, or each chat session."""

        SHARED = "shared"
        USER = "user"
        SESSION = "session"

    class Approval(models.TextChoices):
        """What happens to a call; default goes by what the server says of the tool."""

        DEFAULT = "default"
        ALLOW = "allow"
        ASK = "ask"
        DENY = "deny"

    class Health(models.TextChoices):
        """What is known of it.

        unknown: nobody has connected since it was added, changed or resumed. connected: the last connection
        succeeded. unhealthy: the last attempts failed, the next call tries again. paused: it failed too
        often, or somebody paused it; not tried before `retry_at`, or until it is resumed if that is empty.
        """

        UNKNOWN = "unknown"
        CONNECTED = "connected"
        UNHEALTHY = "unhealthy"
        PAUSED = "paused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="whose sessions alone may use it; empty for everybody's",
    )
    name = models.CharField(max_length=NAME_MAX_CHARACTERS, help_text="begins the names of its tools")
    transport = models.CharField(max_length=10, choices=Transport)
    command = models.CharField(max_length=1000, blank=True)
    args = models.JSONField(default=list, blank=True, help_text="a list of texts; no place for secrets")
    env = models.JSONField(default=dict, blank=True, help_text="secret")
    url = models.CharField(max_length=2000, blank=True)
    headers = models.JSONField(default=dict, blank=True, help_text="secret")
    scope = models.CharField(max_length=10, choices=Scope)
    enabled = models.BooleanField(default=True)
    trusted = models.BooleanField(
        default=False, help_text="believed in what it says of its tools; others are third parties"
    )
    heavy = models.BooleanField(default=False, help_text="each call runs as a subagent")
    heavy_tools = models.JSONField(
        default=list, blank=True, help_text="patterns, such as build_*: these tools run as subagents"
    )
    approval = models.CharField(max_length=10, choices=Approval, default=Approval.DEFAULT)
    tool_approvals = models.JSONField(default=dict, blank=True, help_text="tool name to allow, ask or deny")
    connect_timeout_seconds = models.FloatField(default=30)
    idle_timeout_seconds = models.FloatField(default=60, help_text="longest time of a call without progress")
    call_timeout_seconds = models.FloatField(default=3600, help_text="longest call in all")
    revision = models.PositiveIntegerField(
        default=1, editable=False, help_text="grows when connections are to be made anew"
    )
    health = models.CharField(max_length=10, choices=Health, default=Health.UNKNOWN, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="failed attempts in a row")
    error_code = models.CharField(max_length=60, blank=True, editable=False)
    error_message = models.CharField(max_length=1000, blank=True, editable=False)
    failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="the last time")
    protocol_version = models.CharField(max_length=40, blank=True, editable=False)
    catalogue = models.JSONField(default=dict, blank=True, editable=False, help_text="as last seen")
    catalogue_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = McpServerQuerySet.as_manager()

    class Meta:
        app_label = "agents_app"
        verbose_name = "MCP server"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(owner=None), name="one_shared_mcp_server_a_name"
            ),
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=Q(owner__isnull=False),
                name="one_own_mcp_server_a_name",
            ),
            models.CheckConstraint(
                condition=(Q(transport="stdio", url="") & ~Q(command=""))
                | (Q(transport="http", command="") & ~Q(url="")),
                name="mcp_server_is_program_or_address",
            ),
            models.CheckConstraint(
                condition=Q(scope__in=["shared", "user", "session"]), name="mcp_server_scope_known"
            ),
            models.CheckConstraint(
                condition=Q(approval__in=["default", "allow", "ask", "deny"]),
                name="mcp_server_approval_known",
            ),
            models.CheckConstraint(
                condition=Q(health__in=["unknown", "connected", "unhealthy", "paused"]),
                name="mcp_server_health_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
