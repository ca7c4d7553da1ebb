"""What an MCP server told, as plain data: bounded in size, and cleaned of what no store takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ToolDescription:
    """A tool; its hints are the server's own word, None where it says nothing."""

    name: str
    title: str = ""
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ResourceDescription:
    """Something that can be read by its address; `size` is bytes as the server says, if it does."""

    uri: str
    name: str
    title: str = ""
    description: str = ""
    mime_type: str = ""
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class ResourceTemplate:
    """An address with places to fill in (RFC 6570)."""

    uri_template: str
    name: str
    title: str = ""
    description: str = ""
    mime_type: str = ""


@dataclass(frozen=True, kw_only=True)
class PromptArgument:
    """A text that a prompt takes."""

    name: str
    title: str = ""
    description: str = ""
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class PromptDescription:
    """A prompt that the server writes from arguments."""

    name: str
    title: str = ""
    description: str = ""
    arguments: Sequence[PromptArgument] = ()


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All that a server offers, and who it says it is."""

    tools: Sequence[ToolDescription] = ()
    resources: Sequence[ResourceDescription] = ()
    resource_templates: Sequence[ResourceTemplate] = ()
    prompts: Sequence[PromptDescription] = ()
    instructions: str = ""
    protocol_version: str = ""
    server_name: str = ""
    server_version: str = ""


# One part of an answer, plain JSON, by its "type":
# - text: text, and `truncated` (true) where it was cut;
# - image, audio: mime_type, bytes (how many), data (base64; left out where there is too much of it);
# - resource_link: uri, name, title, description, mime_type;
# - resource: uri, mime_type, and either text (and `truncated`) or bytes and data.
Block = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CallResult:
    """What a tool answered; `is_error` is the tool's own word that it failed."""

    content: Sequence[Block] = ()
    structured: dict[str, Any] | None = None
    is_error: bool = False

    @property
    def text(self) -> str:
        """The texts of the answer, a line apart."""
        return "\n".join(block["text"] for block in self.content if block["type"] == "text")


@dataclass(frozen=True, kw_only=True)
class ResourceContents:
    """What stands at an address: blocks of type `resource`."""

    content: Sequence[Block] = ()


@dataclass(frozen=True, kw_only=True)
class PromptMessage:
    """One message of a prompt; `role` is `user` or `assistant`."""

    role: str
    content: Block


@dataclass(frozen=True, kw_only=True)
class PromptMessages:
    """A prompt as the server wrote it from its arguments."""

    description: str = ""
    messages: Sequence[PromptMessage] = ()


def percent(progress: float, total: float | None) -> int | None:
    """Return how far a call is, 0 to 100, or None where the server does not say how much there is in all."""
    if total is None or not total > 0:
        return None
    return round(min(max(progress / total, 0.0), 1.0) * 100)
