"""Servers of users: nothing is sent into a private network, whatever a name points to."""

import pytest

from agents_app.isolation import networks
from agents_app.mcp.errors import McpError
from agents_app.mcp.hub import Hub
from tests.mcp.conftest import HttpServer, http


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "nobody.invalid"])
async def test_a_private_or_unknown_host_is_not_reached(hub: Hub, http_server: HttpServer, host: str) -> None:
    server = http(http_server.url.replace("127.0.0.1", host), public_only=True)
    with pytest.raises(McpError) as error:
        await hub.catalogue(server, 1, None)
    assert error.value.code == "mcp_unreachable"
    assert host in error.value.message


async def test_a_public_host_is_reached_at_the_address_that_was_looked_at(
    hub: Hub, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def public(address: networks.IPAddress) -> bool:
        looked_at.append(str(address))
        return True

    monkeypatch.setattr(networks, "is_public", public)
    server = http(http_server.url.replace("127.0.0.1", "localhost"), public_only=True)
    assert (await hub.catalogue(server, 1, None)).tools
    assert "127.0.0.1" in looked_at
