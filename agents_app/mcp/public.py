"""Keeps requests out of private networks: a name may point elsewhere at each look."""

import asyncio
import ipaddress
import socket

import httpx2

from agents_app.codebase import networks
from agents_app.mcp.errors import McpError

LOOK_UP_SECONDS = 10.0


async def pinned(request: httpx2.Request) -> httpx2.Request:
    """Return the request with the address that was looked at in place of the host's name.

    Host header and certificate stay those of the name. Raises `McpError` (`mcp_unreachable`) unless every
    address of the host is public: one private among them is how a name is pointed inwards.
    """
    host = request.url.host
    addresses = await _look_up(host, request.url.port or (443 if request.url.scheme == "https" else 80))
    if not addresses:
        raise McpError("mcp_unreachable", f"{host} cannot be reached: its name is not known.")
    if not all(map(networks.is_public, addresses)):
        raise McpError("mcp_unreachable", f"{host} is inside a private network.")
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(addresses[0])),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


async def _look_up(host: str, port: int) -> list[networks.IPAddress]:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a time-out too
        return []
    # A zone belongs to link-local addresses, which are private without it as well.
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
