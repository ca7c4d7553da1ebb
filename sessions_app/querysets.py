"""Named reads of chat sessions, messages and events."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from sessions_app.models import ChatSession, Event, Message  # noqa: F401  # a circle at run time


Ranges = list[list[int | None]]


def within(ranges: Ranges | None) -> models.Q:
    """Return the condition that a row's `seq` is in one of these ranges; without ranges it always is."""
    if ranges is None:
        return models.Q()
    found = models.Q(pk__in=[])
    for first, last in ranges:
        found |= models.Q(seq__gte=first) if last is None else models.Q(seq__gte=first, seq__lte=last)
    return found


class ChatSessionQuerySet(models.QuerySet["ChatSession"]):
    """Chat sessions."""

    def owned_by(self, user: Any) -> "ChatSessionQuerySet":
        """Those of `user` that were not deleted."""
        return self.filter(owner_id=user.pk, deleted_at=None)

    def active(self) -> "ChatSessionQuerySet":
        """Those that are neither archived nor stopped."""
        return self.filter(state="active")


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages."""

    def in_order(self) -> "MessageQuerySet":
        """Oldest first, as the session's events have them."""
        return self.order_by("seq")

    def placed(self, ranges: "Ranges | None") -> "MessageQuerySet":
        """Those of a branch; all without one."""
        return self.filter(within(ranges))

    def unanswered(self) -> "MessageQuerySet":
        """Those that no turn has taken up yet."""
        return self.filter(turn_id=None, wants_answer=True, role__in=["user", "subagent"])


class EventQuerySet(models.QuerySet["Event"]):
    """Durable events."""

    def after(self, seq: int) -> "EventQuerySet":
        """Those that follow `seq`, in order."""
        return self.filter(seq__gt=seq).order_by("seq")
