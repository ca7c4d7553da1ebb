"""Addresses of MCP servers: which are taken, and how one is shown without its secrets."""

import re
import subprocess
import sys
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from django.conf import settings

from agents_app.codebase.address import is_trusted
from agents_app.isolation import networks
from sessions_app.errors import Refusal

URL_MAX_CHARACTERS = 2000
LOOK_UP_SECONDS = 5
HIDDEN = "***"
_DEFAULT_PORTS = {"https": 443, "http": 80}


def check(url: str) -> str:
    """Return an http or https address that is well-formed. Raises `Refusal` (`invalid_server`)."""
    if len(url) > URL_MAX_CHARACTERS or re.search(r"[^\x21-\x7e]", url):
        raise _refusal("url: it is too long or holds characters that no address has.")
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS or not networks.spelled(_host_of(parts)):
        raise _refusal("url: give an address such as https://host/mcp.")
    if "@" in parts.netloc:
        raise _refusal("url: no credentials in the address; headers are the place for them.")
    if parts.fragment:
        raise _refusal("url: no #fragment in the address.")
    return url


def check_public(url: str) -> None:
    """Refuse an address inside a private network unless the operator allow-listed its host.

    A name that is not known now is let through, and one may point elsewhere later: whoever connects looks
    again. Raises `Refusal` (`private_address`).
    """
    host, port = _place(url)
    if is_allowed(url):
        return
    address = networks.literal(host)
    found = [address] if address is not None else _look_up(host, port)
    if not all(map(networks.is_public, found)):
        raise Refusal("private_address", f"url: the host {host} is inside a private network.")


def is_allowed(url: str) -> bool:
    """Whether the operator allow-listed the host of a checked address."""
    return is_trusted(*_place(url), settings.ALLOWED_MCP_HOSTS)


def shown(url: str) -> str:
    """Return the address with the values of its query hidden: they may be keys."""
    if not url:
        return ""
    parts = urlsplit(url)
    hidden = [(name, HIDDEN) for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    query = urlencode(hidden, safe=HIDDEN) if hidden else HIDDEN if parts.query else ""
    return parts._replace(query=query).geturl()


def secrets_of(url: str) -> list[str]:
    """Return the values in the query of an address."""
    return [value for _, value in parse_qsl(urlsplit(url).query)]


def _place(url: str) -> tuple[str, int]:
    parts = _split(url)
    return networks.spelled(_host_of(parts)), parts.port or _DEFAULT_PORTS[parts.scheme]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        raise _refusal("url: this is not an address.") from None
    return parts


def _host_of(parts: SplitResult) -> str:
    return networks.bracketed(parts.hostname or "")


def _look_up(host: str, port: int) -> list[networks.IPAddress]:
    """Look a name up in a process of its own: the system's resolver cannot be interrupted."""
    command = [sys.executable, "-m", "agents_app.isolation.resolving", host, str(port)]
    try:
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, capture_output=True, timeout=LOOK_UP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return []
    return networks.read_literals(done.stdout.decode()) if done.returncode == 0 else []


def _refusal(sentence: str) -> Refusal:
    return Refusal("invalid_server", sentence)
