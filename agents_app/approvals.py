"""Calls that need their user's word: asked for, waited for, given, refused.

A call that is to be asked for ends the attempt: the turn is `awaiting_approval`, holds no process, and may
wait for days. When the last of its calls is decided it is queued again and makes the same calls under the
same ids, which find the decisions here.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents_app import turns
from agents_app.approval_rows import Approval, ToolPermission
from agents_app.mcp_servers.calling import tool_at_hand
from agents_app.presentation import approval_payload
from agents_app.registry import Tool
from sessions_app import plain
from sessions_app.errors import Refusal, not_found
from sessions_app.events import session_change
from sessions_app.models import ChatSession

SCOPES = ("once", "session", "always")
REASON_MAX_CHARACTERS = 1000
State = Approval.State


class ApprovalPending(Exception):
    """The call waits for its user's word."""


def settled(
    session: ChatSession, turn_id: UUID, call_id: UUID, tool: Tool, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments with which the call may be made.

    Raises `ApprovalPending`, and `Refusal` (`refused_by_user`).
    """
    asked = Approval.objects.filter(pk=call_id).first()
    if asked is None:
        return _by_policy(session, turn_id, call_id, tool, arguments)
    if asked.state == State.PENDING:
        raise ApprovalPending
    if asked.state == State.ALLOWED:
        return dict(asked.args)
    reason = f" They said: {asked.reason}" if asked.reason else ""
    raise Refusal("refused_by_user", f"The user did not allow this call.{reason}")


def resolve(
    approval_id: UUID,
    *,
    allow: bool,
    scope: str = "once",
    arguments: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Approval:
    """Decide a pending call; the turn goes on when nothing else in it waits.

    `scope` says whether the tool is allowed for this call alone, in this session, or always. Other
    `arguments` than the model's own may be given. The same decision again changes nothing. Raises `Refusal`:
    `not_found`, `already_decided`, `invalid_scope`, `invalid_arguments`.
    """
    asked = _get(approval_id)
    if allow and scope not in SCOPES:
        raise Refusal("invalid_scope", f"scope is one of {', '.join(SCOPES)}.")
    changed = _changed(asked, arguments) if allow else None
    with session_change(asked.session_id) as change:
        asked = _get(approval_id)
        wanted = State.ALLOWED if allow else State.REFUSED
        if asked.state != State.PENDING:
            return _already(asked, wanted)
        asked.state, asked.resolved_at = wanted, timezone.now()
        asked.scope = scope if allow else ""
        asked.reason = plain.text(reason, REASON_MAX_CHARACTERS).strip()
        if changed is not None:
            asked.args, asked.edited = changed, True
        asked.save()
        change.record("approval.resolved", approval_payload(asked))
        if allow and scope != "once":
            _remember(asked, scope, change.session.owner_id)
        turns.go_on_if_settled(change, asked.turn_id)
    return asked


def snapshot(session_id: UUID) -> list[Any]:
    """Return what was asked for in the session."""
    return [approval_payload(asked) for asked in Approval.objects.filter(session_id=session_id)]


def _by_policy(
    session: ChatSession, turn_id: UUID, call_id: UUID, tool: Tool, arguments: dict[str, Any]
) -> dict[str, Any]:
    if tool.approval == "allow" or ToolPermission.covers(session, tool.name):
        return arguments
    with session_change(session.pk) as change:
        asked = Approval.objects.create(
            id=call_id,
            session=change.session,
            turn_id=turn_id,
            seq=change.next_seq,
            tool_name=tool.name,
            args=arguments,
        )
        change.record("approval.requested", approval_payload(asked))
    raise ApprovalPending


def _changed(asked: Approval, arguments: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if arguments is None or arguments == asked.args:
        return None
    return tool_at_hand(asked.session, asked.tool_name).validate(dict(arguments))


def _already(asked: Approval, wanted: str) -> Approval:
    if asked.state != wanted:
        raise Refusal("already_decided", f"This call is {asked.state}.", status=409)
    return asked


def _remember(asked: Approval, scope: str, owner_id: int) -> None:
    session_id = asked.session_id if scope == "session" else None
    ToolPermission.objects.get_or_create(owner_id=owner_id, session_id=session_id, tool_name=asked.tool_name)


def _get(approval_id: UUID) -> Approval:
    asked = Approval.objects.filter(pk=approval_id).first()
    if asked is None:
        raise not_found("approval")
    return asked
