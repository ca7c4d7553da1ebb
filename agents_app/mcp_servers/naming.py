"""How tools of MCP servers are called here: `SERVER__TOOL`, as every model provider takes it.

A name that providers would refuse, or that is too long, is shortened and ends in a hash of the whole: the
same server and tool have the same name for ever. The way back goes through what the server offers, see
`tools.find`.
"""

import hashlib
import re

CALL_NAME_MAX_CHARACTERS = 64
_HASH_CHARACTERS = 10


def call_name(server_name: str, tool_name: str) -> str:
    """Return the name under which models and programs call a tool of a server."""
    whole = f"{server_name}__{tool_name}"
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", whole):
        return whole
    digest = hashlib.sha256(tool_name.encode("utf-8", "replace")).hexdigest()[:_HASH_CHARACTERS]
    room = CALL_NAME_MAX_CHARACTERS - len(server_name) - len(digest) - 3
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", tool_name)[:room]
    return f"{server_name}__{readable}_{digest}"


def server_name(text: str) -> str:
    """Return the server's name nearest to what somebody called it elsewhere; empty if nothing is left."""
    words = re.sub(r"[^a-z0-9_-]+", "-", text.lower())
    words = re.sub(r"_{2,}", "_", words).strip("-_")
    if words[:1].isdigit():
        words = f"mcp-{words}"
    return words[:32].rstrip("-_")
