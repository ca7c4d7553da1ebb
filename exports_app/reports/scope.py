"""What a report may see: every query of it begins here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from agents_app.context import ToolContext
from agents_app.models import Subagent, ToolCall, Turn
from agents_app.querysets import IMPORTED
from exports_app.reports.period import Period
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession, Message

SESSION, MINE, SERVER = "session", "mine", "server"
TITLES = {SESSION: "this chat", MINE: "my chats", SERVER: "the whole server"}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Whose rows, and of which time; those of deleted chats are never among them.

    `check` is called before each query and may end the report.
    """

    kind: str
    period: Period
    owner_id: int
    session_id: UUID
    report_id: UUID | None = None
    check: Callable[[], None] = lambda: None

    @property
    def of_everybody(self) -> bool:
        """Whether rows of other users are among them: then names and counts are shown, no words."""
        return self.kind == SERVER

    def sessions(self) -> QuerySet[ChatSession]:
        """Chats, whenever they began."""
        return ChatSession.objects.filter(self._whose("")).order_by()

    def messages(self) -> QuerySet[Message]:
        """What was said in the period."""
        return Message.objects.filter(self._whose("session__"), self._when("created_at")).order_by()

    def turns(self) -> QuerySet[Turn]:
        """Answers that were asked for in the period."""
        return Turn.objects.filter(self._whose("session__"), self._when("created_at")).order_by()

    def subagents(self) -> QuerySet[Subagent]:
        """Work that was queued in the period, without the report itself and what imported chats tell of."""
        rows = Subagent.objects.filter(self._whose("session__"), self._when("queued_at")).order_by()
        rows = rows.exclude(agent_type=IMPORTED)
        return rows.exclude(pk=self.report_id) if self.report_id else rows

    def calls(self) -> QuerySet[ToolCall]:
        """Fast calls of tools in the period, without what imported chats tell of."""
        rows = ToolCall.objects.filter(self._whose("session__"), self._when("created_at")).order_by()
        return rows.exclude(is_imported=True)

    def _whose(self, prefix: str) -> Q:
        self.check()
        alive = Q(**{f"{prefix}deleted_at": None})
        if self.kind == SERVER:
            return alive
        owned = alive & Q(**{f"{prefix}owner_id": self.owner_id})
        return owned & Q(**{f"{prefix}id": self.session_id}) if self.kind == SESSION else owned

    def _when(self, column: str) -> Q:
        until: dict[str, Any] = {f"{column}__lt": self.period.until}
        since = self.period.since
        return Q(**until) if since is None else Q(**until, **{f"{column}__gte": since})


def permit(owner_id: int, kind: str) -> None:
    """Raise `Refusal` (`not_staff`) for a scope that a user may not see."""
    users = get_user_model().objects
    if kind == SERVER and not users.filter(pk=owner_id, is_staff=True, is_active=True).exists():
        raise Refusal("not_staff", "Only staff make reports on the whole server.", status=403)


def open_scope(context: ToolContext, kind: str, period: Period) -> Scope:
    """Return what a user's report may see. Raises `Refusal` (`not_staff`)."""
    permit(context.owner_id, kind)
    return Scope(
        kind=kind,
        period=period,
        owner_id=context.owner_id,
        session_id=context.session_id,
        report_id=context.subagent_id,
        check=context.check,
    )
