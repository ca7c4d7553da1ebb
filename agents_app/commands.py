"""Slash commands: what the chat does without asking a model.

Each checks before anything is stored, and answers with a message of the agent's that no model is told.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents_app import gateway, model_providers, turns
from agents_app.mcp_servers.calling import tools_at_hand
from agents_app.models import Subagent
from agents_app.presentation import subagent_payloads
from sessions_app import lifecycle, messages
from sessions_app.errors import Refusal
from sessions_app.events import session_change
from sessions_app.messages import Command
from sessions_app.models import ChatSession, Message

LISTED_MAX = 30
SYSTEM_MAX_CHARACTERS = 8000


@dataclass(frozen=True, kw_only=True)
class Help:
    """A command in one line, for people."""

    name: str
    arguments: str = ""
    description: str


HELP = (
    Help(name="help", description="this list"),
    Help(name="tools", description="the tools that this chat can use"),
    Help(name="run", arguments="TOOL {json}", description="call a tool yourself"),
    Help(
        name="export",
        arguments="FORMAT [all] {json}",
        description="keep this chat as a file, or `all` of yours in one zip; the options, if any, as in REST",
    ),
    Help(name="stop", description="stop the answer that is being given"),
    Help(
        name="model",
        arguments="NAME",
        description="have another model answer; without a name, those there are",
    ),
    Help(name="agents", description="the subagents of this chat"),
    Help(
        name="system",
        arguments="TEXT",
        description="what the agent shall always heed here; `clear` forgets it",
    ),
)


def connect() -> None:
    """Add the commands; called once when the app is ready."""
    for name, answer, check in (
        ("help", _help, _nothing),
        ("tools", _tools, _nothing),
        ("run", _run, _check_run),
        ("stop", _stop, _nothing),
        ("model", _model, _check_model),
        ("agents", _agents, _nothing),
        ("system", _system, _check_system),
    ):
        messages.command(Command(name=name, check=check, run=answering(answer)))


def answering(answer: Callable[[ChatSession, str], str]) -> Callable[[Message, str], None]:
    """Return what runs a command whose answer, or why it was refused, is said in the chat."""

    def run(message: Message, words: str) -> None:
        try:
            text = answer(ChatSession.objects.get(pk=message.session_id), words)
        except Refusal as refusal:
            text = f"That was refused: {refusal.detail} (`{refusal.code}`)"
        if text:
            with session_change(message.session_id) as change:
                messages.add(change, role=Message.Role.ASSISTANT, content=text, wants_answer=False)

    return run


def _nothing(words: str) -> None:
    """Take any words."""


def _help(session: ChatSession, words: str) -> str:
    lines = [f"- {_usage(one)}: {one.description}" for one in HELP]
    return "\n".join(["Commands, which no model is asked for:", "", *lines])


def _usage(command: Help) -> str:
    return f"**/{command.name}**" + (f" `{command.arguments}`" if command.arguments else "")


def _tools(session: ChatSession, words: str) -> str:
    found = [tool for tool in tools_at_hand(session) if words.lower() in tool.name.lower()]
    lines = [f"- `{tool.name}`: {_first_sentence(tool.description)}" for tool in found[:LISTED_MAX]]
    if len(found) > LISTED_MAX:
        lines.append(f"- … and {len(found) - LISTED_MAX} more: `/tools WORD` finds by name")
    return "\n".join([f"{len(found)} tools:", "", *lines]) if found else "There is no such tool."


def _run(session: ChatSession, words: str) -> str:
    name, _, arguments = words.partition(" ")
    gateway.execute_tool(session, name, json.loads(arguments or "{}"))
    return ""  # its card tells all


def _check_run(words: str) -> None:
    name, _, arguments = words.partition(" ")
    if not name:
        raise Refusal("invalid_command", 'Name a tool and its arguments: /run TOOL {"name": "value"}.')
    try:
        value: Any = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        raise Refusal("invalid_command", "What follows the name of the tool must be JSON.") from None
    if not isinstance(value, dict):
        raise Refusal("invalid_command", "The arguments must be a JSON object.")


def _stop(session: ChatSession, words: str) -> str:
    if not session.turns.unfinished().exists():
        return "Nothing is being answered."
    turns.stop_all(session.pk)
    return ""


def _model(session: ChatSession, words: str) -> str:
    if words:
        chosen = "" if words == _default() else words
        lifecycle.choose_model(session.pk, chosen)
        return f"`{words}` answers from now on."
    current = session.model or _default()
    names = [choice.name for choice in model_providers.choices()]
    lines = [f"- `{name}`{' (this chat)' if name == current else ''}" for name in names[:LISTED_MAX]]
    return "\n".join(["Models:", "", *lines])


def _check_model(words: str) -> None:
    model_providers.check_choice(words)


def _default() -> str:
    return next(choice.name for choice in model_providers.choices() if choice.is_default)


def _agents(session: ChatSession, words: str) -> str:
    rows = Subagent.objects.filter(session=session).order_by("-queued_at")[:LISTED_MAX]
    lines = [
        f"- `{row['title']}`: {row['state']}"
        + (f", {row['progress']:.0f} %" if row["state"] == "running" else "")
        + (f", number {row['queue_position']} in the queue" if row["queue_position"] else "")
        for row in subagent_payloads(rows)
    ]
    return (
        "\n".join(["Subagents, the newest first:", "", *lines]) if lines else "There were no subagents yet."
    )


def _system(session: ChatSession, words: str) -> str:
    if not words:
        said = session.instructions
        return f"The agent heeds:\n\n> {said}" if said else "Nothing was said. `/system TEXT` says something."
    text = "" if words == "clear" else words
    lifecycle.instruct(session.pk, text)
    return "The agent heeds it from its next answer on." if text else "It is forgotten."


def _check_system(words: str) -> None:
    if len(words) > SYSTEM_MAX_CHARACTERS:
        raise Refusal("instructions_too_long", f"At most {SYSTEM_MAX_CHARACTERS:,} characters are taken.")


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0][:160]
