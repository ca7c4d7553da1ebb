"""The life of a turn once it is asked for: claimed, stored step by step, ended, stopped, given back.

At most one turn of a session is unfinished. Messages that arrive meanwhile join its next step; if there is
none, the turn's end asks for the next turn.
"""

import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents_app import turn_requests, usage, waking
from agents_app.models import Approval, ToolCall, Turn
from agents_app.presentation import approval_payload, tool_payload, turn_payload
from agents_app.spending import Spent
from sessions_app import branches, messages
from sessions_app.errors import Refusal, not_found
from sessions_app.events import SessionChange, announce, session_change
from sessions_app.models import ChatSession, Message
from sessions_app.payloads import TurnRetry
from sessions_app.querysets import MessageQuerySet
from sessions_app.rows import Rows

MAX_ATTEMPTS = 3
JOIN_AT_ONCE = 100
State = Turn.State
_turns = Rows(Turn)
_THIS = "id = %(id)s AND attempt = %(attempt)s AND state = %(state)s"
_ENDINGS = {
    State.COMPLETED: "turn.completed",
    State.FAILED: "turn.failed",
    State.CANCELLED: "turn.cancelled",
}


def claim(turn_id: UUID, attempt: int, worker_id: UUID) -> Turn | None:
    """Start a queued turn in this worker and take up all messages that wait; None if it is not to be run."""
    found = _turns.get(turn_id)
    if found is None:
        return None
    with session_change(found.session_id) as change:
        started = {"state": State.RUNNING, "worker_id": worker_id, "started_at": timezone.now()}
        queued = {"id": turn_id, "attempt": attempt, "state": State.QUEUED.value}
        turn = _turns.update(started, _THIS, **queued)
        if turn is None:
            return None
        turn.session = change.session
        # An attempt that goes on has its first request stored; what came meanwhile joins its next step.
        waiting = None if turn.steps else _waiting(change.session)
        newest = waiting and waiting.order_by("-seq").values_list("seq", flat=True).first()
        payload = turn_payload(turn)
        if waiting is not None and newest:
            waiting.update(turn_id=turn_id)
            payload["up_to_seq"] = newest
        change.record("turn.started", payload)
    return turn


def begin_text(turn: Turn) -> Message | None:
    """Return the message that the turn's next text goes into; None if the turn is no longer ours.

    A draft that a dead attempt left is taken over under a new generation.
    """
    with session_change(turn.session_id) as change:
        if not _turns.exists(_THIS, id=turn.pk, attempt=turn.attempt, state=State.RUNNING.value):
            return None
        # Only an earlier attempt can have left one.
        left = change.session.messages.filter(turn_id=turn.pk, state=Message.State.STREAMING)
        draft = left.first() if turn.attempt > 1 else None
        if draft is not None:
            draft.generation, draft.content = draft.generation + 1, ""
            draft.save(update_fields=["generation", "content"])
            return draft
        return messages.add(
            change,
            role=Message.Role.ASSISTANT,
            content="",
            state=Message.State.STREAMING,
            turn_id=turn.pk,
        )


def take_up(turn: Turn, joining: Sequence[Message], steps: list[Any]) -> bool:
    """Let messages that wait join a running turn, whose steps have them; False if it is no longer ours.

    Both are stored, or neither.
    """
    with session_change(turn.session_id) as change:
        if not _mine(turn).update(steps=steps):
            return False
        if joining:
            change.session.messages.filter(pk__in=[message.pk for message in joining]).update(turn_id=turn.pk)
            change.record("message.joined", {"turn_id": str(turn.pk), "up_to_seq": joining[-1].seq})
    turn.steps = steps
    return True


def who_waits(turn: Turn) -> list[Message]:
    """Return the messages that may join the turn now, the oldest first."""
    return list(_waiting(turn.session).in_order()[:JOIN_AT_ONCE])


def store_steps(
    turn: Turn, steps: list[Any], text: tuple[Message, str] | None = None, spent: Sequence[Spent] = ()
) -> bool:
    """Store what the turn has done so far with what that took, and end the text of the step.

    False if it is no longer ours.
    """
    with session_change(turn.session_id) as change:
        if not _mine(turn).update(steps=steps):
            return False
        usage.add(change, spent, turn.pk)
        if text is not None:
            messages.complete(change, *text)
    turn.steps = steps
    return True


def finish(turn: Turn, state: Turn.State, error: dict[str, str] | None = None) -> bool:
    """End a running turn, keep its unfinished text, and ask for the next one if messages wait."""
    return _end(turn, {State.RUNNING}, state, error)


def announce_retry(turn: Turn, refusal: Refusal, seconds: float) -> None:
    """Tell the feed that the model is asked again in some seconds, and why."""
    payload: TurnRetry = {
        "turn_id": str(turn.pk),
        "error": {"code": refusal.code, "message": refusal.detail},
        "retry_in_seconds": round(seconds, 1),
    }
    announce(turn.session_id, "turn.retrying", payload)


def stop(turn_id: UUID) -> Turn:
    """Stop a turn: at once while it is queued, within a second while it runs."""
    # It may be claimed or handed over between the look and the change, but only as often as it has attempts.
    for _ in range(2 * MAX_ATTEMPTS):
        turn = _get(turn_id)
        waiting = {State.QUEUED, State.AWAITING_APPROVAL}
        if turn.stop_requested_at is not None or _end(turn, waiting, State.CANCELLED):
            break
        running = Turn.objects.filter(pk=turn_id, state=State.RUNNING, stop_requested_at=None)
        with transaction.atomic():
            if running.update(stop_requested_at=timezone.now()):
                break
    return _get(turn_id)


def stop_all(session_id: UUID) -> None:
    """Stop the session's unfinished turn, if it has one."""
    for turn_id in Turn.objects.filter(session_id=session_id).unfinished().values_list("pk", flat=True):
        stop(turn_id)


def must_stop(turn: Turn) -> bool:
    """Whether the turn was stopped, or is no longer this attempt's."""
    return not _mine(turn).filter(stop_requested_at=None).exists()


def give_back(turn: Turn) -> None:
    """Deal with a running turn whose process is known dead: another attempt goes on from its last step."""
    if turn.stop_requested_at is not None:
        finish(turn, State.CANCELLED)
    elif turn.deaths + 1 >= MAX_ATTEMPTS:
        message = f"The answer was tried {turn.attempt} times and its process died {MAX_ATTEMPTS} times."
        finish(turn, State.FAILED, {"code": "worker_lost", "message": message})
    else:
        hand_over(turn, deaths=turn.deaths + 1)


def hand_over(turn: Turn, deaths: int | None = None) -> None:
    """Put a running turn back into the queue for the next attempt; a shutdown does not count as a death."""
    now = timezone.now()
    values = {"state": State.QUEUED, "attempt": turn.attempt + 1, "worker": None, "queued_at": now}
    values |= {"sent_at": now, "deaths": turn.deaths if deaths is None else deaths}
    with session_change(turn.session_id) as change:
        if _mine(turn).filter(stop_requested_at=None).update(**values):
            turn.refresh_from_db()
            change.afterwards(lambda: turn_requests.send(turn))


def await_approval(turn: Turn) -> None:
    """Let a running turn wait for its user, without a process, unless it was stopped.

    If the user has decided already it is queued again.
    """
    with session_change(turn.session_id) as change:
        values = {"state": State.AWAITING_APPROVAL, "worker": None}
        if _mine(turn).filter(stop_requested_at=None).update(**values):
            go_on_if_settled(change, turn.pk)
            return
    finish(turn, State.CANCELLED)


def go_on_if_settled(change: SessionChange, turn_id: UUID) -> None:
    """Queue a turn that waits for its user once nothing in it is undecided."""
    turn = Turn.objects.get(pk=turn_id)
    if turn.state != State.AWAITING_APPROVAL or turn.approvals.filter(state="pending").exists():
        return
    now = timezone.now()
    turn.state, turn.attempt, turn.queued_at, turn.sent_at = State.QUEUED, turn.attempt + 1, now, now
    turn.save(update_fields=["state", "attempt", "queued_at", "sent_at"])
    change.afterwards(lambda: turn_requests.send(turn))


def call_id(turn: Turn, model_call_id: str) -> UUID:
    """Return the id of a call of this turn: the same one in each attempt."""
    return uuid.uuid5(turn.pk, model_call_id)


def _end(turn: Turn, before: set[Turn.State], state: Turn.State, error: dict[str, str] | None = None) -> bool:
    with session_change(turn.session_id) as change:
        mine = Turn.objects.filter(pk=turn.pk, attempt=turn.attempt, state__in=before)
        if not mine.update(state=state, error=error, finished_at=timezone.now()):
            return False
        turn.refresh_from_db()
        # What a cancelled queued turn would have answered is dealt with: it shall not start another.
        if State.QUEUED in before:
            _waiting(change.session).update(turn_id=turn.pk)
        _end_draft(change, turn)
        _end_calls(change, turn)
        _end_approvals(change, turn)
        change.record(_ENDINGS[state], turn_payload(turn))
        waiting = _waiting(change.session)
        if waiting.filter(role=Message.Role.USER).exists():
            turn_requests.request(change)
        elif waiting.exists():
            waking.wake(change)
    return True


def _waiting(session: ChatSession) -> MessageQuerySet:
    """Return what waits for an answer in the branch that is shown."""
    return session.messages.all().unanswered().placed(branches.current(session))


def _end_draft(change: SessionChange, turn: Turn) -> None:
    for draft in change.session.messages.filter(turn_id=turn.pk, state=Message.State.STREAMING):
        messages.complete(change, draft, draft.content, interrupted=True)


def _end_calls(change: SessionChange, turn: Turn) -> None:
    """Fail the fast calls that a turn left behind: nobody will tell how they ended."""
    error = {"code": "turn_ended", "message": "The turn ended before this call did."}
    if turn.state == State.CANCELLED:
        error = {"code": "cancelled", "message": "The answer was stopped before this call ended."}
    for call in turn.tool_calls.filter(state=ToolCall.State.RUNNING):
        call.state, call.error, call.finished_at = ToolCall.State.FAILED, error, timezone.now()
        call.save(update_fields=["state", "error", "finished_at"])
        change.record("tool.failed", tool_payload(call))


def _end_approvals(change: SessionChange, turn: Turn) -> None:
    """Drop what a turn asked for: nobody waits for the word any more."""
    for asked in turn.approvals.filter(state=Approval.State.PENDING):
        asked.state, asked.resolved_at = Approval.State.DROPPED, timezone.now()
        asked.save(update_fields=["state", "resolved_at"])
        change.record("approval.resolved", approval_payload(asked))


def _mine(turn: Turn) -> Any:
    return Turn.objects.filter(pk=turn.pk, attempt=turn.attempt, state=State.RUNNING)


def _get(turn_id: UUID) -> Turn:
    turn = Turn.objects.filter(pk=turn_id).first()
    if turn is None:
        raise not_found("turn")
    return turn
