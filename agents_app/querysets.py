"""Named reads of subagents and workers."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from agents_app.models import Subagent, Worker  # noqa: F401  # a circle at run time


IMPORTED = "imported"
"""The agent type of work that came with an imported chat: it is shown and never done."""


class SubagentQuerySet(models.QuerySet["Subagent"]):
    """Subagents."""

    def owned_by(self, user: Any) -> "SubagentQuerySet":
        """Those in sessions of `user` that were not deleted."""
        return self.filter(owner_id=user.pk, session__deleted_at=None)

    def unfinished(self) -> "SubagentQuerySet":
        """Queued, admitted or running."""
        return self.filter(state__in=["queued", "admitted", "running"])

    def occupying(self) -> "SubagentQuerySet":
        """Those that count against a cap."""
        return self.filter(state__in=["admitted", "running"])

    def overdue_in_queue(self, now: datetime) -> "SubagentQuerySet":
        """Those that have not started by their queue deadline."""
        return self.filter(state__in=["queued", "admitted"], queue_deadline_at__lte=now)

    def to_be_stopped(self, now: datetime, cancelled_before: datetime) -> "SubagentQuerySet":
        """Running ones past a deadline, and those that did not heed a cancel in time."""
        return self.filter(state="running").filter(
            Q(deadline_at__lte=now)
            | Q(idle_deadline_at__lte=now)
            | Q(cancel_requested_at__lte=cancelled_before)
        )

    def never_started(self, sent_before: datetime) -> "SubagentQuerySet":
        """Admitted ones whose message is late: it was lost, or every worker is busy."""
        return self.filter(state="admitted").filter(Q(sent_at=None) | Q(sent_at__lte=sent_before))

    def waiting(self, pool_name: str) -> "SubagentQuerySet":
        """Those queued in a pool, each owner's in the order in which they will go."""
        return self.filter(pool_id=pool_name, state="queued").order_by(
            "owner_id", "-priority", "queued_at", "id"
        )

    def ended_last(self, pool_name: str) -> "SubagentQuerySet":
        """Those of a pool that ran to an end, the newest end first."""
        ran = self.filter(pool_id=pool_name, state__in=["succeeded", "failed"], started_at__isnull=False)
        return ran.exclude(agent_type=IMPORTED).order_by("-finished_at")

    def ahead_of(self, subagent: "Subagent") -> "SubagentQuerySet":
        """The owner's own queued items that go before `subagent`."""
        return self.filter(pool_id=subagent.pool_id, owner_id=subagent.owner_id, state="queued").filter(
            Q(priority__gt=subagent.priority)
            | Q(priority=subagent.priority, queued_at__lt=subagent.queued_at)
            | Q(priority=subagent.priority, queued_at=subagent.queued_at, pk__lt=subagent.pk)
        )


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Processes that work."""

    def here(self, host: str) -> "WorkerQuerySet":
        """Those of this host."""
        return self.filter(host=host)

    def alive(self, now: datetime) -> "WorkerQuerySet":
        """Those whose lease holds."""
        return self.filter(lease_expires_at__gt=now)

    def not_lapsed(self, now: datetime) -> "WorkerQuerySet":
        """Those whose lease may be renewed: it holds, or they run no work that another host could take."""
        return self.filter(Q(lease_expires_at__gt=now) | Q(kind__in=["keeper", "beat"]))

    def elsewhere(self, host: str) -> "WorkerQuerySet":
        """Those of other hosts."""
        return self.exclude(host=host)

    def serving(self, queue: str) -> "WorkerQuerySet":
        """Those that take work from `queue`."""
        return self.filter(queues__contains=f" {queue} ")
