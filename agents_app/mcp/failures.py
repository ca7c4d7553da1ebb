"""What the SDK raised, as an `McpError` that says what happened."""

from collections.abc import Iterator

from mcp import MCPError, types
from pydantic import ValidationError

from agents_app.mcp.errors import McpError
from agents_app.mcp.plainly import MESSAGE_CHARACTERS, line

# How the SDK words the end of a connection. Servers use its code (-32000) for errors of their own too.
_LOST = ("Connection closed", "SSE stream")
# A server that finds no way to ask names what it would have sent.
_ASKING = ("elicitation/create", "sampling/createMessage")
_NEEDS_INPUT = (types.MISSING_REQUIRED_CLIENT_CAPABILITY, types.URL_ELICITATION_REQUIRED)


class NotSent(McpError):
    """The server certainly did not take the request, so it may be sent on another connection."""


class ConnectionUnfit(McpError):
    """The server broke the protocol; its connection is not to be used any more."""


def needs_input() -> McpError:
    """Return the refusal of a call in which the server wants to ask something."""
    return McpError(
        "mcp_elicitation_unsupported",
        "The tool wants to ask the user something in the middle of the call, which is not supported here. "
        "Nothing was answered; give the tool what it needs in its arguments if it takes it there.",
    )


def of_request(error: Exception) -> McpError:
    """Return what an exception of one request means, as far as it can be told from the exception alone."""
    if isinstance(error, McpError):
        return error
    if isinstance(error, MCPError):
        return _of_answer(error)
    if isinstance(error, ValidationError):
        return ConnectionUnfit("mcp_protocol_error", _not_mcp(error))
    return McpError("mcp_protocol_error", f"The request failed: {line(str(error), MESSAGE_CHARACTERS)}")


def of_opening(error: BaseException) -> McpError:
    """Return why a connection could not be opened."""
    errors = list(_leaves(error))
    for known in errors:
        if isinstance(known, McpError):
            return known
    for known in errors:
        if isinstance(known, ValidationError):
            return McpError("mcp_protocol_error", _not_mcp(known))
    return McpError("mcp_unreachable", line(str(errors[0]) or type(errors[0]).__name__, MESSAGE_CHARACTERS))


def is_lost(error: BaseException) -> bool:
    """Whether the error is the SDK's word for the end of a connection."""
    return any(
        isinstance(leaf, MCPError) and leaf.code == types.CONNECTION_CLOSED and leaf.message.startswith(_LOST)
        for leaf in _leaves(error)
    )


def _of_answer(error: MCPError) -> McpError:
    text = line(error.message, MESSAGE_CHARACTERS)
    if error.code == types.CONNECTION_CLOSED and error.message.startswith(_LOST):
        if "byte limit" in text:
            return McpError("mcp_too_large", "The server sent more than is accepted.")
        return McpError(
            "mcp_disconnected",
            "The connection to the server was lost during the call; whether it was carried out is unknown.",
        )
    if error.code == types.PARSE_ERROR and text.startswith("Failed to parse"):
        return ConnectionUnfit("mcp_protocol_error", "The server answered with something that is not MCP.")
    if error.code in _NEEDS_INPUT or any(method in text for method in _ASKING):
        return needs_input()
    return McpError("mcp_refused", text or f"The server refused with error {error.code}.")


def _not_mcp(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"The server's answer is not MCP: {line(where, 100)}: {line(first['msg'], 200)}."


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error
