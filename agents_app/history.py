"""What the model is told of the conversation so far."""

from typing import Any

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
from agents_app.models import Turn
from sessions_app.models import Message

TURNS = 20


def earlier(turn: Turn) -> list[ModelMessage]:
    """Return what was said in the newest turns before this one, failed and stopped ones too."""
    return [
        message
        for one, part in branching.told(turn, TURNS)
        for message in (_said_in(one) if part is None else _as_text(part))
    ]


def own(turn: Turn) -> list[ModelMessage]:
    """Return the turn's own steps, or its first request."""
    return loaded(turn.steps) or [_request(turn)]


def is_answered(steps: list[ModelMessage]) -> bool:
    """Whether the last step is an answer that asks for nothing more."""
    return isinstance(steps[-1], ModelResponse) and not _open_calls(steps[-1])


def dumped(steps: list[ModelMessage]) -> list[Any]:
    """Return messages as they are stored."""
    return ModelMessagesTypeAdapter.dump_python(steps, mode="json")


def loaded(steps: list[Any]) -> list[ModelMessage]:
    """Return stored messages."""
    return ModelMessagesTypeAdapter.validate_python(steps)


def _said_in(turn: Turn) -> list[ModelMessage]:
    steps = own(turn)
    # Providers refuse a call without its result, which a turn that was cut off may have left.
    return steps[:-1] if _open_calls(steps[-1]) else steps


def _as_text(part: list[Message]) -> list[ModelMessage]:
    """Return what a branch has of a turn that went on otherwise elsewhere: its words, not its calls."""
    return [
        ModelResponse(parts=[TextPart(content=message.content)])
        if message.role == Message.Role.ASSISTANT
        else ModelRequest(parts=[UserPromptPart(content=prompts.as_prompt(message))])
        for message in part
        if message.content
    ]


def _request(turn: Turn) -> ModelRequest:
    taken_up = turn.session.messages.in_order().filter(turn_id=turn.pk).exclude(role=Message.Role.ASSISTANT)
    parts = [UserPromptPart(content=prompts.as_prompt(message)) for message in taken_up]
    return ModelRequest(parts=parts, instructions=prompts.instructions(turn.session))


def _open_calls(message: ModelMessage) -> bool:
    return isinstance(message, ModelResponse) and any(
        isinstance(part, ToolCallPart) for part in message.parts
    )
