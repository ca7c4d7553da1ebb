"""What can go wrong with an MCP server, as one error with a stable code."""

from typing import Literal

Code = Literal[
    "mcp_unreachable",  # It could not be started or connected to, or hung while connecting; nothing was sent.
    "mcp_timeout",  # The call took longer than it may in all; the server was told to stop it.
    "mcp_idle_timeout",  # No progress was told for too long; the server was told to stop it.
    "mcp_disconnected",  # The connection ended after the request was sent: what the server did is unknown.
    "mcp_protocol_error",  # The server answered with something that is not MCP; the connection was closed.
    "mcp_too_large",  # The server sent more than is accepted.
    "mcp_refused",  # The server answered with an error.
    "mcp_elicitation_unsupported",  # The server wants to ask the user something in mid-call.
]


class McpError(Exception):
    """A request to an MCP server failed; `message` is a sentence for people and for the model."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
