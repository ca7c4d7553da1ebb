"""What the model is told of the conversation so far."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)

from agents_app import branching, prompts
from agents_app.mentions import Named
from agents_app.message_sizes import of_part
from agents_app.models import Turn
from agents_app.shortening import SHORT_TOKENS, can_be_shortened, is_resource
from sessions_app import plain
from sessions_app.models import Message

# As few reads as it takes, and a bound however short the turns are.
BATCHES = (4, 12, 48, 136)


def earlier(turn: Turn, room: int) -> list[ModelMessage]:
    """Return what was said in the newest turns before this one that `room` tokens may hold, the oldest first.

    Failed and stopped ones too. Only these are read, so that a long session is not slower than a short one;
    what exactly is sent the window decides.
    """
    said: list[list[ModelMessage]] = []
    for one, part in branching.told(turn, BATCHES):
        said.append(_said_in(one) if part is None else _as_text(one, part))
        room -= _shortest(said[-1])
        if room <= 0:
            break
    return [message for messages in reversed(said) for message in messages]


def own(turn: Turn) -> list[ModelMessage]:
    """Return the turn's own steps, or its first request."""
    return loaded(turn.steps) or [request(turn, {})]


def taken_up(turn: Turn) -> list[Message]:
    """Return the messages that the turn took up when it began."""
    return list(turn.session.messages.in_order().filter(turn_id=turn.pk).exclude(role=Message.Role.ASSISTANT))


def request(turn: Turn, named: Named) -> ModelRequest:
    """Return the turn's first request; `named` are the resources that its messages name."""
    return ModelRequest(
        parts=as_parts(taken_up(turn), named), instructions=prompts.instructions(turn.session)
    )


def as_parts(messages: Iterable[Message], named: Named) -> list[UserPromptPart]:
    """Return messages as the model reads them, each with the resources that it names behind it."""
    return [
        UserPromptPart(content=text)
        for message in messages
        for text in (prompts.as_prompt(message), *named.get(message.pk, ()))
    ]


def joined(steps: list[ModelMessage], sent: ModelRequest, parts: list[UserPromptPart]) -> list[Any]:
    """Add messages to the request that ends the steps and return the steps as they are stored."""
    last = steps[-1]
    if not isinstance(last, ModelRequest):
        raise TypeError("a step begins with a request")
    last.parts = [*last.parts, *parts]
    if sent is not last:  # one request may carry those of earlier turns too
        sent.parts = [*sent.parts, *parts]
    return list(plain.cleaned(dumped(steps)))


def is_answered(steps: list[ModelMessage]) -> bool:
    """Whether the last step is an answer that asks for nothing more."""
    return bool(steps) and isinstance(steps[-1], ModelResponse) and not _open_calls(steps[-1])


def dumped(steps: list[ModelMessage]) -> list[Any]:
    """Return messages as they are stored."""
    return ModelMessagesTypeAdapter.dump_python(steps, mode="json")


def loaded(steps: list[Any]) -> list[ModelMessage]:
    """Return stored messages."""
    return ModelMessagesTypeAdapter.validate_python(steps)


def _said_in(turn: Turn) -> list[ModelMessage]:
    if not turn.steps and turn.state == Turn.State.COMPLETED:
        # It came with an imported chat, which has its words and not its steps.
        return _as_text(turn, list(turn.session.messages.in_order().filter(turn_id=turn.pk)))
    steps = own(turn)
    # Providers refuse a call without its result, which a turn that was cut off may have left.
    return steps[:-1] if _open_calls(steps[-1]) else steps


def _as_text(turn: Turn, part: list[Message]) -> list[ModelMessage]:
    """Return what a branch has of a turn that went on otherwise elsewhere: its words, not its calls."""
    named = _named_in(turn, part)
    return [
        ModelResponse(parts=[TextPart(content=message.content)])
        if message.role == Message.Role.ASSISTANT
        else ModelRequest(parts=as_parts([message], named))
        for message in part
        if message.content
    ]


def _named_in(turn: Turn, messages: list[Message]) -> Named:
    """Return the resources that a turn's steps have behind messages, for an answer that is made again."""
    asked = {prompts.as_prompt(one): one.pk for one in messages if one.role == Message.Role.USER}
    named: dict[UUID, list[str]] = {}
    for step in loaded(turn.steps):
        behind = None
        for part in step.parts:
            text = str(getattr(part, "content", ""))
            if behind and is_resource(part):
                named.setdefault(behind, []).append(text)
            else:
                behind = asked.get(text)
    return named


def _shortest(messages: list[ModelMessage]) -> int:
    """Return the tokens of messages whose results have been shortened."""
    sizes = (
        min(of_part(part), SHORT_TOKENS) if can_be_shortened(part) else of_part(part)
        for message in messages
        for part in message.parts
    )
    return sum(sizes)


def _open_calls(message: ModelMessage) -> bool:
    return isinstance(message, ModelResponse) and any(
        isinstance(part, ToolCallPart) for part in message.parts
    )
