"""Keeps requests out of private networks: a name may point elsewhere at each look."""

import asyncio
import ipaddress
import socket

import httpx2

from agents_app.isolation import networks

LOOK_UP_SECONDS = 10.0


class PublicOnly(httpx2.AsyncBaseTransport):
    """Sends each request to the address that was looked at, never to another that the name has by then.

    Host header and certificate stay those of the name. Raises `ConnectError` unless every address of the
    host is public: one private among them is how a name is pointed inwards.
    """

    def __init__(self, network: httpx2.AsyncBaseTransport) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Look the host up and send the request there."""
        return await self._network.handle_async_request(await _pinned(request))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._network.aclose()


async def _pinned(request: httpx2.Request) -> httpx2.Request:
    host = request.url.host
    addresses = await _look_up(host, request.url.port or (443 if request.url.scheme == "https" else 80))
    if not addresses:
        raise httpx2.ConnectError("its name is not known", request=request)
    if not all(map(networks.is_public, addresses)):
        raise httpx2.ConnectError("it is inside a private network", request=request)
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
