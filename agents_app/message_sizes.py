"""How many tokens the messages of a conversation and the definitions of tools take."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    NativeToolCallPart,
    NativeToolReturnPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.tools import ToolDefinition

from agents_app import tokens

# What stands around each message and each part: roles, ids, separators.
FRAME_TOKENS = 4
# Providers ask between 85 and about 1,600 for a picture.
PICTURE_TOKENS = 1600


def of_message(message: ModelMessage) -> int:
    """Return the tokens of a message without its instructions."""
    return FRAME_TOKENS + sum(FRAME_TOKENS + of_part(part) for part in message.parts)


def of_messages(messages: Iterable[ModelMessage]) -> int:
    """Return the tokens of messages without their instructions."""
    return sum(map(of_message, messages))


def of_instructions(messages: Iterable[ModelMessage]) -> int:
    """Return the tokens of the instructions, which the newest request that has some brings."""
    texts = [one.instructions for one in messages if isinstance(one, ModelRequest) and one.instructions]
    return tokens.of_text(texts[-1]) if texts else 0


def of_tools(definitions: Iterable[ToolDefinition]) -> int:
    """Return the tokens of tool definitions."""
    return sum(
        FRAME_TOKENS
        + tokens.of_text(one.name + (one.description or ""))
        + tokens.of_text(json.dumps(one.parameters_json_schema, ensure_ascii=False))
        for one in definitions
    )


def of_part(part: Any) -> int:
    """Return the tokens of one part of a message."""
    if isinstance(part, ToolCallPart | NativeToolCallPart):
        return tokens.of_text(part.tool_name) + tokens.of_text(part.args_as_json_str())
    if isinstance(part, ToolReturnPart | NativeToolReturnPart):
        return tokens.of_text(part.model_response_str()) + PICTURE_TOKENS * len(part.files)
    if isinstance(part, FilePart):
        return PICTURE_TOKENS
    if isinstance(part, UserPromptPart) and not isinstance(part.content, str):
        return sum(_of_content(item) for item in part.content)
    return tokens.of_text(str(getattr(part, "content", "") or ""))


def _of_content(item: Any) -> int:
    if isinstance(item, str):
        return tokens.of_text(item)
    if isinstance(item, ImageUrl):
        return PICTURE_TOKENS
    if isinstance(item, BinaryContent):
        return PICTURE_TOKENS if item.is_image else max(PICTURE_TOKENS, len(item.data) // 4)
    return tokens.of_text(str(getattr(item, "content", "") or getattr(item, "url", "")))
