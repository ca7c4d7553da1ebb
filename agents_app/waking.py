"""Results wake the main agent: each comes into the chat as a message and asks for a turn.

Those that come together are told in one; results alone do not wake it for ever.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from agents_app import turn_requests
from agents_app.models import Subagent, Turn
from sessions_app import branches, messages
from sessions_app.events import SessionChange
from sessions_app.models import Message

# Results that follow each other so closely wake the agent once.
TOGETHER = timedelta(seconds=0.5)
TOGETHER_AT_MOST = timedelta(seconds=2)


def deliver(change: SessionChange, subagent: Subagent) -> None:
    """Bring a subagent's result into the chat as a message and wake the main agent.

    Nobody is woken by a cancel: what there was by then is shown, if it is more than a summary.
    """
    is_cancelled = subagent.state == Subagent.State.CANCELLED
    if is_cancelled and not subagent.report:
        return
    ranges = branches.current(change.session)
    # Who said something anew has left the work of the earlier branch behind: its card shows how it ended.
    is_heard = not is_cancelled and (ranges is None or branches.holds(ranges, subagent.seq))
    messages.add(
        change,
        role=Message.Role.SUBAGENT,
        content=_result_text(subagent),
        subagent_id=subagent.pk,
        wants_answer=is_heard,
    )
    if is_heard:
        wake(change)


def wake(change: SessionChange) -> None:
    """Ask for a turn that tells of results, unless such turns follow each other without anybody speaking.

    A tool that a result makes the agent call again, and so on, would otherwise never end.
    """
    session = change.session
    spoken = session.messages.filter(role=Message.Role.USER).order_by("-seq").first()
    woken = session.turns.exclude(pk=spoken.turn_id) if spoken and spoken.turn_id else session.turns.all()
    wakes = woken.filter(created_at__gt=spoken.created_at if spoken else session.created_at).count()
    if wakes < settings.WAKES_WITHOUT_USER or session.turns.unfinished().exists():
        turn_requests.request(change)
    elif not session.events.filter(kind="turn.withheld", seq__gt=spoken.seq if spoken else 0).exists():
        message = (
            f"Results have woken the agent {wakes} times without a word from you. "
            "Further ones are shown and wait until you write."
        )
        change.record("turn.withheld", {"error": {"code": "too_many_wakes", "message": message}})


def more_may_come(turn: Turn) -> bool:
    """Whether a turn that tells of results waits a moment, since more that run may end with them."""
    told = turn.session.messages.filter(role__in=[Message.Role.USER, Message.Role.SUBAGENT])
    rows: list[tuple[datetime, str]] = []
    # Two reads: with OR in one, a database reads the whole session.
    for part in (told.filter(turn_id=turn.pk), told.filter(turn_id=None, wants_answer=True)):
        rows += part.values_list("created_at", "role")
        if any(role == Message.Role.USER for _, role in rows):
            return False
    if not rows:
        return False
    rows.sort()
    times = [created_at for created_at, _ in rows]
    until = min(times[-1] + TOGETHER, times[0] + TOGETHER_AT_MOST)
    return timezone.now() < until and turn.session.subagents.all().unfinished().exists()


def _result_text(subagent: Subagent) -> str:
    found = subagent.report or str((subagent.result or {}).get("summary", ""))
    if subagent.state == Subagent.State.SUCCEEDED:
        return found or "Done."
    error = subagent.error or {}
    why = f"failed: {error.get('message', '')} (`{error.get('code', '')}`)" if error else "was cancelled."
    ended = f"**{subagent.title}** {why}"
    return f"{ended}\n\nWhat there was by then:\n\n{found}" if found else ended
