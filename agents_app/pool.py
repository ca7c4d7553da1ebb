"""The life of a subagent once it is queued: start, finish, cancel, give back, expire.

Every transition is a conditional update on (id, attempt, state) that counts the rows it moved: whoever
comes second, a duplicate message or a worker that was thought dead, moves none and changes nothing.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents_app import admission, statements, waking
from agents_app.files import removal
from agents_app.files.presentation import Delivered
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from agents_app.presentation import subagent_payload
from agents_app.registry import find_agent_type
from agents_app.statements import Admitted
from sessions_app.errors import Refusal, not_found
from sessions_app.events import SessionChange, session_change
from sessions_app.rows import Rows

MAX_ATTEMPTS = 3
State = Subagent.State
_WAITING = (State.QUEUED, State.ADMITTED)
_AT = "id = %(id)s AND attempt = %(attempt)s AND state = %(state)s"
_subagents = Rows(Subagent)


def find(subagent_id: UUID) -> Subagent:
    """Return a subagent with its pool. Raises `Refusal` (`not_found`)."""
    subagent = Subagent.objects.select_related("pool").filter(pk=subagent_id).first()
    if subagent is None:
        raise not_found("subagent")
    return subagent


def start(subagent_id: UUID, attempt: int, worker_id: UUID) -> Subagent | None:
    """Claim an admitted attempt for this worker; None if it is not to be run (any more), or not by it."""
    now = timezone.now()
    subagent = _subagents.get(subagent_id)
    if subagent is None:
        return None
    values = _begun(subagent, worker_id)
    in_time = f"{_AT} AND queue_deadline_at > %(now)s AND {statements.worker_is_known()}"
    with session_change(subagent.session_id) as change:
        where = {"id": subagent_id, "attempt": attempt, "state": State.ADMITTED, "now": now}
        where["worker"] = worker_id
        if not _subagents.touch(values, in_time, **where):
            return None
        for name, value in values.items():
            setattr(subagent, name, value)
        change.record("subagent.started", subagent_payload(subagent, delivered=Delivered()))
        find_agent_type(subagent.agent_type).on_started(change, subagent)
        if attempt > 1:
            change.afterwards(partial(removal.remove_superseded, subagent_id))
    return subagent


def start_within(change: SessionChange, subagent: Subagent, worker_id: UUID) -> Subagent | None:
    """Start what the caller's transaction has admitted and return it as it is now; None if it has not."""
    values = _begun(subagent, worker_id)
    known = {"id": subagent.pk, "attempt": subagent.attempt, "state": State.ADMITTED}
    started = _subagents.update(values, _AT, **known)
    if started is None:
        return None
    change.record("subagent.started", subagent_payload(started, delivered=Delivered()))
    find_agent_type(started.agent_type).on_started(change, started)
    return started


def _begun(subagent: Subagent, worker_id: UUID) -> dict[str, Any]:
    now = timezone.now()
    return {
        "state": State.RUNNING,
        "worker_id": worker_id,
        "started_at": now,
        "deadline_at": now + timedelta(seconds=subagent.execution_timeout_seconds),
        "idle_deadline_at": now + timedelta(seconds=subagent.idle_timeout_seconds),
        "progress": 0,
        "stage": "",
        "estimated_seconds_left": None,
    }


def finish(subagent: Subagent, outcome: Outcome) -> bool:
    """End a running attempt; False if it was not running any more under this attempt number."""
    return _end(subagent, (State.RUNNING,), outcome)


def finish_and_take(subagent: Subagent, outcome: Outcome) -> Admitted | None:
    """End a running attempt and return the work that got its slot, which the caller must start.

    None if there is none, or another hears of it.
    """
    taken: list[Admitted] = []
    _end(subagent, (State.RUNNING,), outcome, taken=taken)
    return taken[0] if taken else None


def cancel(subagent_id: UUID) -> Subagent:
    """Cancel a subagent: at once while it waits, by request while it runs. A final one stays as it is."""
    subagent = find(subagent_id)
    # It may move between the look and the change, but only as often as it has attempts.
    for _ in range(2 * MAX_ATTEMPTS):
        if subagent.is_final or subagent.cancel_requested_at is not None:
            break
        if not _end(subagent, _WAITING, Outcome(state=State.CANCELLED)):
            _request_cancel(subagent)
        subagent = find(subagent_id)
    return subagent


def cancel_all(session_id: UUID) -> None:
    """Cancel every unfinished subagent of a session, one transaction each."""
    for subagent_id in (
        Subagent.objects.filter(session_id=session_id).unfinished().values_list("pk", flat=True)
    ):
        cancel(subagent_id)


def give_back(subagent: Subagent) -> None:
    """Deal with a running attempt whose processes are known dead: run it again if that is safe, else fail it.

    The caller has made sure of the death; a cancel that was asked for before is honoured. Moves nothing if
    the row changed since it was read: then read it again.
    """
    if subagent.cancel_requested_at is not None:
        finish(subagent, Outcome(state=State.CANCELLED))
    elif subagent.safe_to_repeat and subagent.attempt < MAX_ATTEMPTS:
        _requeue(subagent)
    else:
        tried = f" It was tried {subagent.attempt} times." if subagent.attempt > 1 else ""
        error = {"code": "worker_lost", "message": f"The process that ran this died.{tried}"}
        outcome = Outcome(state=State.FAILED, error=error)
        _end(subagent, (State.RUNNING,), outcome, attempts=_with_lost(subagent, timezone.now()))


def expire(now: datetime, at_most: int | None = None) -> int:
    """Fail what has not started by its queue deadline, `at_most` so many of it; returns how many it found."""
    overdue = list(Subagent.objects.overdue_in_queue(now)[:at_most])
    for subagent in overdue:
        waited = round((now - subagent.queued_at).total_seconds())
        error = {"code": "queue_timeout", "message": f"No worker was free within {waited} s."}
        _end(subagent, _WAITING, Outcome(state=State.FAILED, error=error))
    return len(overdue)


def _end(
    subagent: Subagent,
    before: tuple[Subagent.State, ...],
    outcome: Outcome,
    *,
    taken: list[Admitted] | None = None,
    **more: Any,
) -> bool:
    """Move to a final state from one of `before`, tell the chat, and let the next one in.

    The next one goes into `taken`, if given, and no message is sent for it.
    """
    values = _final_values(outcome) | more
    try:
        with session_change(subagent.session_id) as change:
            for state in before:
                ended = _subagents.update(values, _AT, id=subagent.pk, attempt=subagent.attempt, state=state)
                if ended is not None:
                    _tell_end(change, ended)
                    _let_the_next_in(change, ended, state, taken)
                    return True
    except Refusal:  # the session is gone, and the row with it
        return False
    return False


def _tell_end(change: SessionChange, ended: Subagent) -> None:
    change.record(_ENDINGS[Subagent.State(ended.state)], subagent_payload(ended))
    kind = find_agent_type(ended.agent_type)
    kind.on_finished(change, ended)
    if kind.answers_in_chat:
        waking.deliver(change, ended)


def _let_the_next_in(
    change: SessionChange, ended: Subagent, before: Subagent.State, taken: list[Admitted] | None
) -> None:
    """Give away the slot that became free, here if somebody waits, else after the commit."""
    admitted = None
    if before == State.QUEUED:
        statements.leave_queue(ended.pool_id, ended.owner_id)
        return
    if statements.somebody_may_go(ended.pool_id, timezone.now()):
        if taken is None:
            admitted = admission.admit_within(change, ended.pool_id)
        elif admitted := admission.claim_within(ended.pool_id):
            taken.append(admitted)
    if admitted is None:
        change.afterwards(lambda: admission.admit(ended.pool_id))


_ENDINGS = {
    State.SUCCEEDED: "subagent.completed",
    State.FAILED: "subagent.failed",
    State.CANCELLED: "subagent.cancelled",
}


def _final_values(outcome: Outcome) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": outcome.state,
        "finished_at": timezone.now(),
        "error": outcome.error,
        "estimated_seconds_left": None,
    }
    if outcome.result is not None:
        values |= {"result": dict(outcome.result), "report": outcome.report}
    if outcome.state == State.SUCCEEDED:
        values |= {"progress": 100, "stage": "complete"}
    return values


_OF_AN_ATTEMPT = (
    "worker_id",
    "admitted_at",
    "sent_at",
    "started_at",
    "deadline_at",
    "idle_deadline_at",
    "estimated_seconds_left",
)


def _requeue(subagent: Subagent) -> None:
    """Put a lost attempt back into the queue under the next attempt number."""
    now = timezone.now()
    values = {
        "state": State.QUEUED,
        "attempt": subagent.attempt + 1,
        "attempts": _with_lost(subagent, now),
        "queue_deadline_at": now + timedelta(seconds=subagent.pool.queue_timeout_seconds),
        "progress": 0,
        "stage": "",
    }
    cleared = dict.fromkeys(_OF_AN_ATTEMPT)
    mine = f"{_AT} AND cancel_requested_at IS NULL"
    with session_change(subagent.session_id) as change:
        again = _subagents.update(
            values | cleared, mine, id=subagent.pk, attempt=subagent.attempt, state=State.RUNNING
        )
        if again is not None:
            change.record("subagent.queued", subagent_payload(again))
            statements.enter_queue(again.pool_id, again.owner_id)
            change.afterwards(lambda: admission.admit(again.pool_id))


def _with_lost(subagent: Subagent, now: datetime) -> list[Any]:
    """Return how all attempts ended if the present one was lost now."""
    ended = {"attempt": subagent.attempt, "code": "worker_lost", "ended_at": now.isoformat()}
    return [*subagent.attempts, ended]


def _request_cancel(subagent: Subagent) -> None:
    """Ask a running attempt to end; the keeper ends it by force if it does not heed."""
    with session_change(subagent.session_id):
        running = Subagent.objects.filter(pk=subagent.pk, state=State.RUNNING, cancel_requested_at=None)
        running.update(cancel_requested_at=timezone.now())
