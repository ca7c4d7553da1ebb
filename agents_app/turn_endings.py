"""How an attempt at an answer ends: the turn is over, goes on elsewhere or waits for its user."""

import logging
from functools import partial

from django.conf import settings

from agents_app import turns
from agents_app.models import Turn
from agents_app.storing import patiently
from sessions_app.errors import Refusal

logger = logging.getLogger(__name__)

State = Turn.State


def store(turn: Turn, interruption: str | None, error: Exception | None) -> None:
    """Store how an attempt ended, patiently: this process lives on, so nobody else would end the turn.

    `interruption` is what cut the answer off: `shutdown`, `approval`, `stopped` or `timeout`.
    """
    end = partial(_end, turn, interruption) if error is None else partial(_fail, turn, error)
    patiently(f"the end of {turn}", end)


def _end(turn: Turn, interruption: str | None) -> None:
    if interruption == "shutdown":
        turns.hand_over(turn)
    elif interruption == "approval":
        turns.await_approval(turn)
    elif interruption == "stopped":
        turns.finish(turn, State.CANCELLED)
    elif interruption == "timeout":
        message = f"The answer took longer than {settings.TURN_TIMEOUT_SECONDS} s."
        turns.finish(turn, State.FAILED, {"code": "turn_timeout", "message": message})
    else:
        turns.finish(turn, State.COMPLETED)


def _fail(turn: Turn, error: Exception) -> None:
    """Tell in the chat what went wrong and what to do about it."""
    if isinstance(error, Refusal):
        reason = error.as_error()
    else:
        logger.error("%s failed", turn, exc_info=error)
        reason = {"code": "turn_error", "message": f"{type(error).__name__}: {error}"[:1000]}
    turns.finish(turn, State.FAILED, reason)
