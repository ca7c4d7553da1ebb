"""Where the web process listens, and how people and the start-up reach it."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOCK_NAME = "supervisor.lock"
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # names them, binds nothing


@dataclass(frozen=True, kw_only=True)
class Address:
    """A host name or address and a TCP port to listen on."""

    host: str
    port: int

    @property
    def local_host(self) -> str:
        """The host that this machine connects to."""
        return WILDCARDS.get(self.host, self.host)

    @property
    def visible_host(self) -> str:
        """The host to show people: for a wildcard, the address that other machines see."""
        return _outward_address(self.host) or self.local_host if self.host in WILDCARDS else self.host

    @property
    def url(self) -> str:
        """The root of the site, without a slash at the end."""
        return f"http://{bracketed(self.visible_host)}:{self.port}"

    @property
    def allowed_hosts(self) -> list[str]:
        """The Host headers under which people reach it."""
        names = [self.host, self.local_host, self.visible_host]
        if self.host in WILDCARDS:
            names.append(socket.gethostname())
        return [bracketed(name) for name in dict.fromkeys(names) if name not in WILDCARDS]


def listen_address(environment: Mapping[str, str] = os.environ) -> Address:
    """Return the address that PORT and HOST ask for. Raises `ValueError` with a sentence for people."""
    port = environment.get("PORT") or "8000"
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(f"PORT must be a number from 1 to 65535, not {port!r}.")
    return Address(host=(environment.get("HOST") or "127.0.0.1").strip("[]"), port=int(port))


def site_url(run_folder: Path) -> str:
    """Return the address of the installation that runs on this data, else the one that it would have.

    Raises `ValueError` like `listen_address`.
    """
    try:
        return (run_folder / LOCK_NAME).read_text().split()[1]
    except (OSError, IndexError):
        return listen_address().url


def bracketed(host: str) -> str:
    """Return `host` as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _outward_address(wildcard: str) -> str:
    """Return this machine's address on its network, or nothing. Connecting a UDP socket sends no packet."""
    # A server on :: does not listen on IPv4. These are addresses of documentation, which nobody has.
    family, elsewhere = (socket.AF_INET6, "2001:db8::1") if ":" in wildcard else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return ""
