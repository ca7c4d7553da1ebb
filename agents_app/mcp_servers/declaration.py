"""What somebody says of an MCP server, checked field by field: nothing of it is trusted.

Each check returns the value to store or raises `Refusal` (`invalid_server`) with a sentence that begins with
the field and never holds a secret.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents_app.mcp_servers import address
from agents_app.mcp_servers.model import NAME_MAX_CHARACTERS, McpServer
from sessions_app.errors import Refusal

ENTRIES_MAX = 100
ARGUMENT_MAX_CHARACTERS = 4096
SECRET_MAX_CHARACTERS = 8192
PATTERN_MAX_CHARACTERS = 128
TOOL_APPROVALS_MAX = 1000
SECONDS_MAX = 24 * 3600.0
_NAME = re.compile(r"[a-z](?!.*__)[a-z0-9_-]*(?<!_)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
# The connection's own: setting them would break it, or smuggle a second request into it.
_FORBIDDEN_HEADERS = {
    "accept", "connection", "content-length", "content-type", "host", "keep-alive", "mcp-protocol-version",
    "mcp-session-id", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip

Check = Callable[[str, Any], Any]


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values to store. Raises `Refusal` for unknown fields and wrong values."""
    unknown = sorted(str(name)[:40] for name in given if name not in CHECKS)
    if unknown:
        raise _flaw("fields", f"there is no {', '.join(unknown[:5])}")
    return {name: CHECKS[name](name, value) for name, value in given.items()}


def check_whole(row: McpServer) -> None:
    """Raise `Refusal` unless the row is a program or an address, with what belongs to that alone."""
    is_program = row.transport == McpServer.Transport.STDIO
    if is_program and not row.command:
        raise _flaw("command", "a stdio server has one")
    if not is_program and not row.url:
        raise _flaw("url", "an http server has one")
    for name in ("url", "headers") if is_program else ("command", "args", "env"):
        if getattr(row, name):
            raise _flaw(name, f"a server of transport {row.transport} has none")


def _name(name: str, value: Any) -> str:
    text = _text(name, value, NAME_MAX_CHARACTERS)
    if not _NAME.fullmatch(text):
        raise _flaw(
            name,
            f"at most {NAME_MAX_CHARACTERS} small letters, digits, - and _, a letter first, "
            "no two _ together and none at the end",
        )
    return text


def _one_of(words: list[str]) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise _flaw(name, f"it is one of {', '.join(words)}")
        return value

    return check


def _text(name: str, value: Any, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit or not _is_storable(value):
        raise _flaw(name, f"a text of at most {limit} characters, without control characters")
    return value


def _is_storable(text: str) -> bool:
    return not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", text)


def _command(name: str, value: Any) -> str:
    return _text(name, value, 1000).strip()


def _url(name: str, value: Any) -> str:
    text = _text(name, value, address.URL_MAX_CHARACTERS).strip()
    return address.check(text) if text else ""


def _texts(limit: int) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if not isinstance(value, list) or len(value) > ENTRIES_MAX:
            raise _flaw(name, f"a list of at most {ENTRIES_MAX} texts")
        return [_text(name, item, limit) for item in value]

    return check


def _mapping(name: str, value: Any, limit: int) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > limit:
        raise _flaw(name, f"an object of at most {limit} texts")
    return dict(value)


def _env(name: str, value: Any) -> dict[str, str]:
    entries = _mapping(name, value, ENTRIES_MAX)
    if not all(_VARIABLE.fullmatch(key) for key in entries):
        raise _flaw(name, "a variable's name is letters, digits and _")
    return {key: _text(f"{name}.{key}", text, SECRET_MAX_CHARACTERS) for key, text in entries.items()}


def _headers(name: str, value: Any) -> dict[str, str]:
    entries = _mapping(name, value, ENTRIES_MAX)
    for key, text in entries.items():
        if not _HEADER.fullmatch(key) or key.lower() in _FORBIDDEN_HEADERS:
            raise _flaw(name, f"{key[:40]!r} may not be set")
        if not _HEADER_VALUE.fullmatch(_text(f"{name}.{key}", text, SECRET_MAX_CHARACTERS)):
            raise _flaw(f"{name}.{key}", "its value holds characters that no header has")
    return entries


def _tool_approvals(name: str, value: Any) -> dict[str, str]:
    entries = _mapping(name, value, TOOL_APPROVALS_MAX)
    words = [word for word in McpServer.Approval.values if word != McpServer.Approval.DEFAULT]
    check = _one_of(words)
    return {_text(name, tool, PATTERN_MAX_CHARACTERS): check(name, word) for tool, word in entries.items()}


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _flaw(name, "true or false")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= SECONDS_MAX:
        raise _flaw(name, f"seconds, from 1 to {SECONDS_MAX:.0f}")
    return float(value)


def _flaw(name: str, sentence: str) -> Refusal:
    return Refusal("invalid_server", f"{name}: {sentence}.")


CHECKS: dict[str, Check] = {
    "name": _name,
    "transport": _one_of(McpServer.Transport.values),
    "command": _command,
    "args": _texts(ARGUMENT_MAX_CHARACTERS),
    "env": _env,
    "url": _url,
    "headers": _headers,
    "scope": _one_of(McpServer.Scope.values),
    "enabled": _switch,
    "trusted": _switch,
    "heavy": _switch,
    "heavy_tools": _texts(PATTERN_MAX_CHARACTERS),
    "approval": _one_of(McpServer.Approval.values),
    "tool_approvals": _tool_approvals,
    "connect_timeout_seconds": _seconds,
    "idle_timeout_seconds": _seconds,
    "call_timeout_seconds": _seconds,
}
"""The fields that somebody may give, each with its check."""
