"""Internet addresses: which ones are public, and what a host's name stands for."""

import ipaddress
import json
import re
from typing import TypeAlias

from agents_app.context import ToolContext, ToolError
from agents_app.isolation.subprocesses import Limits, Tail, python_command, run

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_TRANSLATED_LOCALLY = ipaddress.IPv6Network("64:ff9b:1::/48")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LIMITS = Limits(memory_bytes=512 * 1024**2, file_bytes=0)


def literal(host: str) -> IPAddress | None:
    """Return the address that `host` spells, or None if it is a name."""
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def spelled(text: str) -> str:
    """Return the host of a URL in one spelling, lower case without brackets; empty if it is none.

    Names that many resolvers take for an address (127.1, 0x7f000001, 2130706433) are none.
    """
    host = text.strip("[]").lower().removesuffix(".")
    if literal(host) is not None:
        return host
    labels = host.split(".")
    disguised = re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1])
    if text.startswith("[") or disguised or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        return ""
    return host


def bracketed(host: str) -> str:
    """Return `host` as it stands in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def is_public(address: IPAddress) -> bool:
    """Say whether `address`, and every IPv4 address inside it, belongs to the public internet."""
    inner = _embedded(address) if isinstance(address, ipaddress.IPv6Address) else []
    return all(map(is_public, inner)) if inner else _is_public_itself(address)


def _is_public_itself(address: IPAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (
        address.is_site_local or address in _TRANSLATED_LOCALLY
    ):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: ipaddress.IPv6Address) -> list[IPAddress]:
    """Return the IPv4 addresses that packets to an IPv6 address may be handed on to."""
    found: list[ipaddress.IPv4Address | None] = [
        address.ipv4_mapped,
        address.sixtofour,
        *(address.teredo or ()),
    ]
    if address in _TRANSLATED:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


def resolve(context: ToolContext, host: str, port: int, *, trusted: bool) -> list[IPAddress]:
    """Return the addresses of `host`, all of them public unless it is `trusted`.

    The look-up runs in a process of its own, because the system's resolver may block for half a minute and
    cannot be interrupted. Raises `ToolError` (`repository_unreachable`, `repository_refused`) and `Stopped`.
    """
    address = literal(host)
    addresses = [address] if address is not None else _look_up(context, host, port)
    if not addresses:
        raise ToolError("repository_unreachable", f"The host {host} is not known.")
    # One private address among public ones is how a name is pointed inwards between check and use.
    if not trusted and not all(map(is_public, addresses)):
        raise ToolError("repository_refused", f"The host {host} is inside a private network.")
    return addresses


def _look_up(context: ToolContext, host: str, port: int) -> list[IPAddress]:
    output = Tail(64 * 1024)
    command = python_command("agents_app.isolation.resolving", host, str(port), limits=_LIMITS)
    if run(context, command, on_output=output, on_error=Tail()) != 0:
        return []
    return read_literals(output.text())


def read_literals(text: str) -> list[IPAddress]:
    """Return the addresses that `agents_app.isolation.resolving` printed."""
    found = [literal(str(entry)) for entry in json.loads(text)]
    return [address for address in found if address is not None]
