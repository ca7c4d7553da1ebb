"""Work becomes a subagent: queued for a slot, taken in where it runs already, or queued again."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from agents_app import admission, pool, statements
from agents_app.models import Pool, Subagent
from agents_app.places import Line
from agents_app.presentation import subagent_payload
from agents_app.registry import Plan, find_agent_type
from sessions_app.errors import Refusal
from sessions_app.events import SessionChange, session_change
from sessions_app.models import ChatSession
from sessions_app.rows import Rows

# More submits than this are not under way at once: that is how many connections a database takes.
MOST_AT_THE_SAME_MOMENT = 200
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
    started = pool.start_within(change, subagent, worker_id)
    if started is None:
        raise NoSlot
    return started


def retry(subagent_id: UUID, idempotency_key: str = "") -> Subagent:
    """Queue the same work again as a new subagent. Raises `Refusal` (`not_final`) while it is unfinished."""
    subagent = pool.find(subagent_id)
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


def _queue(change: SessionChange, submission: Submission) -> Subagent:
    kind = find_agent_type(submission.agent_type)
    line = _line_with_room(kind.pool)
    pool_name, owner_id = line.pool.name, change.session.owner_id
    subagent = _new(change, submission, line.pool)
    place = line.place_of_new(owner_id, submission.priority)
    _subagents.insert(subagent)
    change.record("subagent.queued", subagent_payload(subagent, place))
    kind.on_submitted(change, subagent)
    admitted = admission.admit_within(change, pool_name, owner_id) if line.free else None
    if admitted is None or admitted.owner_id != owner_id:
        # After the admission, which takes an item before its owner's share: so do all others.
        statements.enter_queue(pool_name, owner_id)
    if admitted is None or admitted.subagent_id != subagent.pk:
        change.afterwards(lambda: admission.admit(pool_name))
    return subagent


def _new(change: SessionChange, submission: Submission, into: Pool) -> Subagent:
    plan, now = submission.plan, timezone.now()
    return Subagent(
        session=change.session,
        owner_id=change.session.owner_id,
        pool=into,
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
        idle_timeout_seconds=plan.idle_timeout_seconds or into.idle_timeout_seconds,
        queued_at=now,
        queue_deadline_at=now + timedelta(seconds=into.queue_timeout_seconds),
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
        wait = "subagent waits" if line.waiting == 1 else "subagents wait"
        detail = f"{line.waiting} {wait} in pool {pool_name}; no more are taken until some have started."
        raise Refusal("queue_full", detail, status=429, retry_after_seconds=30)
    return line
