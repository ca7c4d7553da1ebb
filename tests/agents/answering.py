"""Answers of the main agent, made in this process."""

from django.db import connection

from agents_app import main_agent
from agents_app.models import Turn
from sessions_app import messages
from sessions_app.models import ChatSession, Message


def waiting(session: ChatSession) -> Turn:
    """Return the session's queued turn."""
    return session.turns.get(state="queued")


def run(session: ChatSession) -> Turn:
    """Run the queued turn to its end and return it."""
    turn = waiting(session)
    main_agent.run(turn.pk, turn.attempt)
    return Turn.objects.get(pk=turn.pk)


def say(session: ChatSession, text: str) -> Turn:
    """Post a message and run its turn."""
    messages.post(session.pk, text)
    return run(session)


def answers(session: ChatSession) -> list[Message]:
    """Return what the main agent said, in order."""
    return list(session.messages.filter(role="assistant").order_by("seq"))


def run_and_close(turn: Turn) -> None:
    """Run a turn in a thread of its own and leave no connection behind."""
    try:
        main_agent.run(turn.pk, turn.attempt)
    finally:
        connection.close()
