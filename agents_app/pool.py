"""The life of a subagent: submit, start, finish, cancel, retry, give back.

Every transition is a conditional update on (id, attempt, state) that counts the rows it moved: whoever
comes second, a duplicate message or a worker that was thought dead, moves none and changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents_app import admission, statements, turns
from agents_app.files import removal
from agents_app.files.presentation import Delivered
from agents_app.models import Pool, Subagent
from agents_app.outcome import Outcome
from agents_app.places import Line
from agents_app.presentation import subagent_payload
from agents_app.registry import Plan, find_agent_type
from agents_app.statements import Admitted
from sessions_app.errors import Refusal, not_found
from sessions_app.events import SessionChange, session_change
from sessions_app.models import ChatSession
from sessions_app.rows import Rows

MAX_ATTEMPTS = 3
# More submits than this are not under way at once: that is how many connections a database takes.
MOST_AT_THE_SAME_MOMENT = 200
State = Subagent.State
_WAITING = (State.QUEUED, State.ADMITTED)
_AT = "id = %(id)s AND attempt = %(attempt)s AND state = %(state)s"
_subagents = Rows(Subagent)


class NoSlot(Exception):
    """No slot is free for work that runs already."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What to queue, and for whom."""

    session_id: UUID
    agent_type: str
    plan: Plan
    turn_id: UUID | None = None
    idempotency_key: str = ""
    priority: int = 0


def submit(submission: Submission) -> Subagent:
    """Queue a subagent and admit it if there is room; the same `idempotency_key` again returns the first.

    Raises `Refusal`: `not_found`, `session_not_active`, `queue_full` (429).
    """
    with session_change(submission.session_id) as change:
        key = submission.idempotency_key
        earlier = key and change.session.subagents.filter(idempotency_key=key).first()
        if earlier:
            return earlier
        if change.session.state == ChatSession.State.STOPPED:
            raise Refusal("session_not_active", "The session is stopped.", status=409)
        return _queue(change, submission)


def take_in(change: SessionChange, submission: Submission, worker_id: UUID, seq: int) -> Subagent:
    """Give work that runs in this process already a slot, if one is free and it is this owner's turn.

    The subagent stands at `seq` in the session. Raises `NoSlot`, and then the caller's transaction must be
    rolled back.
    """
    kind = find_agent_type(submission.agent_type)
    line = Line(kind.pool)
    if not line.free:
        raise NoSlot
    subagent = _new(change, submission, line.pool)
    subagent.seq = seq
    _subagents.insert(subagent)
    statements.enter_queue(kind.pool, subagent.owner_id)
    admitted = admission.claim_within(kind.pool)
    if admitted is None or admitted.subagent_id != subagent.pk:
        raise NoSlot
    values = _begun(subagent, worker_id)
    known = {"id": subagent.pk, "attempt": subagent.attempt, "state": State.ADMITTED}
    started = _subagents.update(values, _AT, **known)
    if started is None:
        raise NoSlot
    change.record("subagent.started", subagent_payload(started, delivered=Delivered()))
    kind.on_started(change, started)
    return started


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
    subagent = _get(subagent_id)
    # It may move between the look and the change, but only as often as it has attempts.
    for _ in range(2 * MAX_ATTEMPTS):
        if subagent.is_final or subagent.cancel_requested_at is not None:
            break
        if not _end(subagent, _WAITING, Outcome(state=State.CANCELLED)):
            _request_cancel(subagent)
        subagent = _get(subagent_id)
    return subagent


def cancel_all(session_id: UUID) -> None:
    """Cancel every unfinished subagent of a session, one transaction each."""
    for subagent_id in (
        Subagent.objects.filter(session_id=session_id).unfinished().values_list("pk", flat=True)
    ):
        cancel(subagent_id)


def retry(subagent_id: UUID, idempotency_key: str = "") -> Subagent:
    """Queue the same work again as a new subagent. Raises `Refusal` (`not_final`) while it is unfinished."""
    subagent = _get(subagent_id)
    if not subagent.is_final:
        raise Refusal("not_final", f"The subagent is {subagent.state}; only ended work is tried again.", 409)
    plan = Plan(
        tool_name=subagent.tool_name,
        arguments=subagent.args,
        title=subagent.title,
        safe_to_repeat=subagent.safe_to_repeat,
        execution_timeout_seconds=subagent.execution_timeout_seconds,
        idle_timeout_seconds=subagent.idle_timeout_seconds,
        queue=subagent.queue,
    )
    submission = Submission(
        session_id=subagent.session_id,
        agent_type=subagent.agent_type,
        plan=plan,
        priority=subagent.priority,
        idempotency_key=idempotency_key,
    )
    return submit(submission)


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


def _queue(change: SessionChange, submission: Submission) -> Subagent:
    kind = find_agent_type(submission.agent_type)
    line = _line_with_room(kind.pool)
    pool, owner_id = line.pool, change.session.owner_id
    subagent = _new(change, submission, pool)
    place = line.place_of_new(owner_id, submission.priority)
    _subagents.insert(subagent)
    change.record("subagent.queued", subagent_payload(subagent, place))
    kind.on_submitted(change, subagent)
    admitted = admission.admit_within(change, pool.name, owner_id) if line.free else None
    if admitted is None or admitted.owner_id != owner_id:
        # After the admission, which takes an item before its owner's share: so do all others.
        statements.enter_queue(pool.name, owner_id)
    if admitted is None or admitted.subagent_id != subagent.pk:
        change.afterwards(lambda: admission.admit(pool.name))
    return subagent


def _new(change: SessionChange, submission: Submission, pool: Pool) -> Subagent:
    plan, now = submission.plan, timezone.now()
    return Subagent(
        session=change.session,
        owner_id=change.session.owner_id,
        pool=pool,
        turn_id=submission.turn_id,
        seq=change.next_seq,
        agent_type=submission.agent_type,
        tool_name=plan.tool_name,
        title=plan.title[:300],
        args=dict(plan.arguments),
        idempotency_key=submission.idempotency_key,
        queue=plan.queue,
        priority=submission.priority,
        safe_to_repeat=plan.safe_to_repeat,
        execution_timeout_seconds=plan.execution_timeout_seconds,
        idle_timeout_seconds=plan.idle_timeout_seconds or pool.idle_timeout_seconds,
        queued_at=now,
        queue_deadline_at=now + timedelta(seconds=pool.queue_timeout_seconds),
    )


def _line_with_room(pool_name: str) -> Line:
    """Return the pool's queue if it takes one more. Raises `Refusal` (`queue_full`).

    Close to the limit one submits after the other, so that it is exact; elsewhere nobody waits for anybody.
    """
    line = Line(pool_name)
    if line.waiting + MOST_AT_THE_SAME_MOMENT > line.pool.queue_limit:
        statements.lock(pool_name)
        line = Line(pool_name)
    if line.waiting >= line.pool.queue_limit:
        detail = (
            f"{line.waiting} subagents wait in pool {pool_name}; no more are taken until some have started."
        )
        raise Refusal("queue_full", detail, status=429, retry_after_seconds=30)
    return line


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
        turns.deliver(change, ended)


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


def _get(subagent_id: UUID) -> Subagent:
    subagent = Subagent.objects.select_related("pool").filter(pk=subagent_id).first()
    if subagent is None:
        raise not_found("subagent")
    return subagent
