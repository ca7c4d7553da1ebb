"""What the SDK returns, as plain data: bounded, and cleaned of what no store takes."""

import math
from collections.abc import Iterable
from typing import Any

from mcp import types

from agents_app.mcp.results import (
    Block,
    CallResult,
    PromptArgument,
    PromptDescription,
    PromptMessage,
    PromptMessages,
    ResourceContents,
    ResourceDescription,
    ResourceTemplate,
    ToolDescription,
)
from sessions_app import plain

NAME_CHARACTERS = 200
URI_CHARACTERS = 2_000
DESCRIPTION_CHARACTERS = 10_000
INSTRUCTIONS_CHARACTERS = 20_000
MESSAGE_CHARACTERS = 500
# All the texts of an answer together, all its images and sounds together, and how many parts it may have.
TEXT_CHARACTERS = 1024 * 1024
DATA_CHARACTERS = 4 * 1024 * 1024
BLOCKS = 1_000
STRUCTURED_BYTES = 1024 * 1024


def line(value: str | None, limit: int) -> str:
    """Return a text that may be missing, bounded and cleaned."""
    return plain.text(value or "", limit)


def number(value: float | None) -> float | None:
    """Return a number that may be missing, and None where it is none (NaN, infinity)."""
    return float(value) if value is not None and math.isfinite(value) else None


def tool(told: types.Tool) -> ToolDescription:
    """Return a tool's description."""
    hints = told.annotations or types.ToolAnnotations()
    return ToolDescription(
        name=told.name,
        title=line(told.title or hints.title, NAME_CHARACTERS),
        description=line(told.description, DESCRIPTION_CHARACTERS),
        input_schema=plain.cleaned(told.input_schema),
        read_only=hints.read_only_hint,
        destructive=hints.destructive_hint,
        idempotent=hints.idempotent_hint,
    )


def resource(told: types.Resource) -> ResourceDescription:
    """Return a resource's description; one whose address is too long has none."""
    return ResourceDescription(
        uri=_uri(told.uri),
        name=line(told.name, NAME_CHARACTERS),
        title=line(told.title, NAME_CHARACTERS),
        description=line(told.description, DESCRIPTION_CHARACTERS),
        mime_type=line(told.mime_type, NAME_CHARACTERS),
        size=told.size,
    )


def template(told: types.ResourceTemplate) -> ResourceTemplate:
    """Return a resource template."""
    return ResourceTemplate(
        uri_template=_uri(told.uri_template),
        name=line(told.name, NAME_CHARACTERS),
        title=line(told.title, NAME_CHARACTERS),
        description=line(told.description, DESCRIPTION_CHARACTERS),
        mime_type=line(told.mime_type, NAME_CHARACTERS),
    )


def prompt(told: types.Prompt) -> PromptDescription:
    """Return a prompt's description."""
    return PromptDescription(
        name=line(told.name, NAME_CHARACTERS) if len(told.name) <= NAME_CHARACTERS else "",
        title=line(told.title, NAME_CHARACTERS),
        description=line(told.description, DESCRIPTION_CHARACTERS),
        arguments=tuple(_argument(argument) for argument in (told.arguments or [])[:100]),
    )


def call_result(told: types.CallToolResult) -> CallResult:
    """Return a tool's answer."""
    structured = told.structured_content
    if structured is not None and not isinstance(structured, dict):
        structured = {"value": structured}
    return CallResult(
        content=blocks(told.content), structured=_structured(structured), is_error=told.is_error
    )


def resource_contents(told: types.ReadResourceResult) -> ResourceContents:
    """Return what stands at an address."""
    rest = _Rest()
    return ResourceContents(content=[_contents(item, rest) for item in told.contents[:BLOCKS]])


def prompt_messages(told: types.GetPromptResult) -> PromptMessages:
    """Return a prompt's messages."""
    rest = _Rest()
    messages = [
        PromptMessage(role=message.role, content=_block(message.content, rest))
        for message in told.messages[:BLOCKS]
    ]
    return PromptMessages(description=line(told.description, DESCRIPTION_CHARACTERS), messages=messages)


def blocks(content: Iterable[types.ContentBlock]) -> list[Block]:
    """Return the parts of an answer; together they keep to its bounds."""
    rest = _Rest()
    return [_block(part, rest) for part in list(content)[:BLOCKS]]


class _Rest:
    """How much an answer may still hold."""

    def __init__(self) -> None:
        self.text_characters = TEXT_CHARACTERS
        self.data_characters = DATA_CHARACTERS

    def text(self, value: str) -> Block:
        kept = plain.text(value, self.text_characters)
        is_cut = len(value) > self.text_characters
        self.text_characters -= min(len(value), self.text_characters)
        return {"text": kept, "truncated": True} if is_cut else {"text": kept}

    def data(self, value: str) -> Block:
        size = {"bytes": len(value) * 3 // 4 - value[-2:].count("=")}
        if len(value) > self.data_characters or not value.isascii():
            return size
        self.data_characters -= len(value)
        return {**size, "data": plain.text(value)}


def _block(part: types.ContentBlock, rest: _Rest) -> Block:
    if isinstance(part, types.TextContent):
        return {"type": "text", **rest.text(part.text)}
    if isinstance(part, types.EmbeddedResource):
        return _contents(part.resource, rest)
    if isinstance(part, types.ResourceLink):
        return {
            "type": "resource_link",
            "uri": _uri(part.uri),
            "name": line(part.name, NAME_CHARACTERS),
            "title": line(part.title, NAME_CHARACTERS),
            "description": line(part.description, DESCRIPTION_CHARACTERS),
            "mime_type": line(part.mime_type, NAME_CHARACTERS),
        }
    return {"type": part.type, "mime_type": line(part.mime_type, NAME_CHARACTERS), **rest.data(part.data)}


def _contents(told: types.TextResourceContents | types.BlobResourceContents, rest: _Rest) -> Block:
    about = {"type": "resource", "uri": _uri(told.uri), "mime_type": line(told.mime_type, NAME_CHARACTERS)}
    if isinstance(told, types.TextResourceContents):
        return {**about, **rest.text(told.text)}
    return {**about, **rest.data(told.blob)}


def _argument(told: types.PromptArgument) -> PromptArgument:
    return PromptArgument(
        name=line(told.name, NAME_CHARACTERS),
        title=line(told.title, NAME_CHARACTERS),
        description=line(told.description, DESCRIPTION_CHARACTERS),
        required=bool(told.required),
    )


def _uri(value: str) -> str:
    """An address that was cut would be another address."""
    return plain.text(value) if len(value) <= URI_CHARACTERS else ""


def _structured(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return plain JSON, or None for what is none or too large: the texts of the answer say it too."""
    if value is None:
        return None
    cleaned: dict[str, Any] = plain.cleaned(value)
    try:
        return cleaned if plain.json_bytes(cleaned) <= STRUCTURED_BYTES else None
    except ValueError:
        return None
