"""The part of a conversation that a model can read: what fits its context, and what every provider takes.

What is too much goes in this order: older results of tools and reports of subagents are shortened, the oldest
exchanges are dropped, the newest results are shortened, older steps of the newest exchange are dropped. The
newest words of the user always stay whole; if they alone are too much, the request is refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from agents_app.message_sizes import FRAME_TOKENS, of_message, of_messages
from agents_app.shortening import MARK_TOKENS, SHORT_TOKENS, can_be_shortened, shortened
from sessions_app.errors import Refusal


def window(messages: Sequence[ModelMessage], budget: int) -> list[ModelMessage]:
    """Return what of `messages` fits into `budget` tokens, in a form that every provider takes.

    The last message must be a request. Raises `Refusal` (`context_exceeded`).
    """
    kept = paired(messages)
    if of_messages(kept) <= budget:
        return kept
    kept = _with_short_results(kept, budget, kept[:-1], SHORT_TOKENS)
    kept = _without_old_exchanges(kept, budget)
    kept = _with_short_newest(kept, budget)
    kept = _without_old_steps(kept, budget)
    size = of_messages(kept)
    if size > budget:
        raise Refusal(
            "context_exceeded",
            f"Your message has about {size:,} tokens, and the model can read {max(budget, 0):,} beside its "
            "instructions and tools. Send it in parts, or choose a model with a larger context.",
        )
    return kept


def paired(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """Return requests and replies by turns, each call with its result and each result with its call.

    A turn that was cut off may have left a call without a result.
    """
    kept = list(messages)
    while True:
        before = [len(message.parts) for message in kept]
        kept = _begun(_without_loose_ends(_alternating(kept)))
        if before == [len(message.parts) for message in kept]:
            return kept


def starts_exchange(message: ModelMessage) -> bool:
    """Whether a conversation may begin with this message: a request of a user that answers no call."""
    return (
        isinstance(message, ModelRequest)
        and any(isinstance(part, UserPromptPart) for part in message.parts)
        and not any(isinstance(part, ToolReturnPart) for part in message.parts)
    )


def _alternating(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """Merge what follows each other of one kind."""
    merged: list[ModelMessage] = []
    for message in messages:
        if merged and merged[-1].kind == message.kind:
            merged[-1] = _with(message, [*merged[-1].parts, *message.parts])
        else:
            merged.append(message)
    return merged


def _begun(messages: list[ModelMessage]) -> list[ModelMessage]:
    """Leave out what comes before the first request of a user."""
    for index, message in enumerate(messages):
        if any(isinstance(part, UserPromptPart) for part in message.parts):
            return messages[index:]
    return []


def _without_loose_ends(messages: list[ModelMessage]) -> list[ModelMessage]:
    answered = [_answered(messages, index) for index in range(len(messages))]
    kept = [_with_calls(message, ids) for message, ids in zip(messages, answered, strict=True)]
    return [message for message in kept if message.parts]


def _answered(messages: list[ModelMessage], index: int) -> set[str]:
    """Return the calls of a reply that the request after it answers; of a request, those that it answers."""
    first = index if isinstance(messages[index], ModelResponse) else index - 1
    if first < 0 or first + 1 >= len(messages):
        return set()
    calls = {part.tool_call_id for part in messages[first].parts if isinstance(part, ToolCallPart)}
    results = {part.tool_call_id for part in messages[first + 1].parts if isinstance(part, ToolReturnPart)}
    return calls & results


def _with_calls(message: ModelMessage, answered: set[str]) -> ModelMessage:
    """Leave out calls without a result and results without a call, and what is there twice."""
    parts: list[Any] = []
    seen: set[str] = set()
    for part in message.parts:
        if isinstance(part, ToolCallPart | ToolReturnPart):
            if part.tool_call_id not in answered or part.tool_call_id in seen:
                continue
            seen.add(part.tool_call_id)
        parts.append(part)
    if isinstance(message, ModelRequest):  # results come first
        parts.sort(key=lambda part: not isinstance(part, ToolReturnPart))
    return message if parts == list(message.parts) else _with(message, parts)


def _with_short_results(
    messages: list[ModelMessage], budget: int, among: Sequence[ModelMessage], limit: int
) -> list[ModelMessage]:
    """Shorten the results in `among`, a part of the messages, oldest first, until all fit."""
    kept, over = list(messages), of_messages(messages) - budget
    for index in range(len(among)):
        if over <= 0:
            break
        if any(can_be_shortened(part) for part in kept[index].parts):
            before = of_message(kept[index])
            kept[index] = _short(kept, index, limit)
            over -= before - of_message(kept[index])
    return kept


def _short(messages: Sequence[ModelMessage], index: int, limit: int) -> ModelMessage:
    calls = {
        part.tool_call_id: part
        for part in (messages[index - 1].parts if index else [])
        if isinstance(part, ToolCallPart)
    }
    parts = [
        shortened(part, limit, calls.get(getattr(part, "tool_call_id", ""))) for part in messages[index].parts
    ]
    return _with(messages[index], parts)


def _without_old_exchanges(messages: list[ModelMessage], budget: int) -> list[ModelMessage]:
    """Drop the oldest exchanges until the rest fits, or only the newest is left."""
    size = of_messages(messages)
    first = 0
    starts = [index for index, message in enumerate(messages) if starts_exchange(message)]
    for start in starts[1:]:
        if size <= budget:
            break
        size -= of_messages(messages[first:start])
        first = start
    return messages[first:]


def _with_short_newest(messages: list[ModelMessage], budget: int) -> list[ModelMessage]:
    """Shorten the results in the newest request to an equal share of what room there is."""
    over = of_messages(messages) - budget
    results = [part for part in messages[-1].parts if can_be_shortened(part)]
    if over <= 0 or not results:
        return messages
    rest = of_message(_with(messages[-1], [one for one in messages[-1].parts if one not in results]))
    room = budget - of_messages(messages[:-1]) - rest
    limit = max(room // len(results) - FRAME_TOKENS, MARK_TOKENS)
    return [*messages[:-1], _short(messages, len(messages) - 1, limit)]


def _without_old_steps(messages: list[ModelMessage], budget: int) -> list[ModelMessage]:
    """Drop the oldest pairs of reply and results of the newest exchange; words of the user in them stay."""
    first, *steps = messages
    while len(steps) > 2 and of_messages([first, *steps]) > budget:
        words = [part for part in steps[1].parts if isinstance(part, UserPromptPart)]
        first = _with(first, [*first.parts, *words])
        steps = steps[2:]
    return [first, *steps]


def _with(message: Any, parts: list[Any]) -> Any:
    """Return the message with other parts; untyped, since requests and replies have their own kinds."""
    return replace(message, parts=parts)
