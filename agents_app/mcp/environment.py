"""What the environment of a stdio server has: little of ours, and all of its own."""

import os
from collections.abc import Mapping
from pathlib import Path

from agents_app.mcp.server import Server

# The worker's own environment holds the project's secrets, so a server gets none of it but these.
PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_TIME", "TZ"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_HIDDEN = "***"
_SHORTEST_SECRET = 6


def environment(server: Server) -> Mapping[str, str]:
    """Return the whole environment of a server's process."""
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **inherited, **server.env}


def folder() -> Path:
    """Return the folder that a server starts in: the home, never the project's own."""
    home = Path.home()
    return home if home.is_dir() else Path("/")


def without_secrets(text: str, server: Server) -> str:
    """Return `text` with the values of the server's own environment and headers blotted out."""
    values = {
        part for value in (*server.env.values(), *server.headers.values()) for part in (value, *value.split())
    }
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, _HIDDEN)
    return text
