"""An answer is asked for: its turn is queued, and a chat worker told, again if it does not hear."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app import admission
from agents_app.models import Turn
from sessions_app.events import SessionChange
from sessions_app.models import ChatSession
from sessions_app.rows import Rows

_turns = Rows(Turn)


def request(change: SessionChange) -> Turn | None:
    """Ask for an answer to what waits and return its turn; None if an unfinished one will see to it."""
    session = change.session
    if session.state == ChatSession.State.STOPPED or session.turns.unfinished().exists():
        return None
    turn = Turn(session=session, model=session.model or settings.MCPCHAT_MODEL, sent_at=timezone.now())
    _turns.insert(turn)
    change.afterwards(lambda: send(turn))
    return turn


def send(turn: Turn) -> bool:
    """Tell a chat worker."""
    return admission.send_task("agents_app.chat_tasks.run_turn", "chat", str(turn.pk), turn.attempt)


def send_again(now: datetime) -> None:
    """Send messages anew for turns that have not started."""
    patience = timedelta(seconds=settings.RESEND_AFTER_SECONDS)
    for turn in Turn.objects.never_started(now - patience):
        if not admission.is_late(turn.sent_at, turn.queued_at, now, patience):
            continue
        late = Turn.objects.filter(pk=turn.pk, state=Turn.State.QUEUED, sent_at=turn.sent_at)
        with transaction.atomic():
            moved = late.update(sent_at=now)
        if moved and not send(turn):
            return
