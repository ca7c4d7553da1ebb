"""Work to test with: queue it, let workers be there, bring it where a test begins."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from agents_app import admission, gateway, pool, submissions
from agents_app.models import Pool, Subagent, Worker
from agents_app.outcome import Outcome
from agents_app.registry import Plan
from sessions_app import lifecycle
from sessions_app.models import ChatSession


def queue(session: ChatSession, tool_name: str = "probe", **how: Any) -> Subagent:
    """Queue a subagent; `safe`, `priority`, `key`, `queue` and `args` as given."""
    plan = Plan(
        tool_name=tool_name,
        arguments=how.get("args", {}),
        title=how.get("title", tool_name),
        safe_to_repeat=how.get("safe", True),
        execution_timeout_seconds=how.get("timeout", 300),
        queue=how.get("queue", ""),
    )
    return submissions.submit(
        submissions.Submission(
            session_id=session.pk,
            agent_type="tool_executor",
            plan=plan,
            priority=how.get("priority", 0),
            idempotency_key=how.get("key", ""),
        )
    )


def workers(count: int = 6, *, seconds: float = 600, queues: str = "tools exports") -> list[Worker]:
    """Let processes of another host be alive for some seconds."""
    lease = timezone.now() + timedelta(seconds=seconds)
    return [
        Worker.objects.create(
            kind="agents",
            host="elsewhere",
            pid=1,
            started_ticks=1,
            queues=f" {queues} ",
            lease_expires_at=lease,
        )
        for _ in range(count)
    ]


def worker() -> Worker:
    """Return a living process, the same each time."""
    return Worker.objects.filter(host="elsewhere", kind="agents").first() or workers(6)[0]


def admitted(session: ChatSession, tool_name: str = "probe", **how: Any) -> Subagent:
    """Queue a subagent and let it in."""
    subagent = queue(session, tool_name, **how)
    worker()
    admission.admit(subagent.pool_id)
    subagent.refresh_from_db()
    assert subagent.state == "admitted"
    return subagent


def running(session: ChatSession, tool_name: str = "probe", **how: Any) -> Subagent:
    """Queue a subagent, let it in and start it."""
    subagent = admitted(session, tool_name, **how)
    started = pool.start(subagent.pk, subagent.attempt, worker().pk)
    assert started is not None
    return started


def export(session: ChatSession, file_format: str = "json") -> Subagent:
    """Queue an export."""
    return gateway.request_export(session.pk, file_format, {})


def succeed(subagent: Subagent) -> bool:
    """Start what is admitted and end it well."""
    started = pool.start(subagent.pk, subagent.attempt, worker().pk)
    assert started is not None
    return pool.finish(started, Outcome(state=Subagent.State.SUCCEEDED, result={"summary": "Done."}))


def owner(name: str) -> ChatSession:
    """Return a session of a user of that name."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    return lifecycle.start(user)


def set_pool(**values: Any) -> None:
    """Change the pool `tools`."""
    Pool.objects.filter(pk="tools").update(**values)


def states(session: ChatSession) -> list[str]:
    """Return the states of a session's subagents in the order they were queued."""
    return list(session.subagents.order_by("seq").values_list("state", flat=True))


def fresh(subagent: Subagent) -> Any:
    """Return the row as it is now; untyped, because what a test knows of its nullable columns mypy cannot."""
    return Subagent.objects.select_related("pool").get(pk=subagent.pk)


NOBODY = uuid.UUID(int=0)
