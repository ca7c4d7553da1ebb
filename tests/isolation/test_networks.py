"""Which internet addresses are public, and what names may stand for."""

import ipaddress

import pytest

from agents_app.context import Stopped, ToolError
from agents_app.isolation import networks
from tests.recording import RecordingContext


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "192.0.0.1",
        "::1", "::", "fe80::1", "fc00::1", "fd00::2", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe", "::127.0.0.1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet_are_not_public(text: str) -> None:
    assert not networks.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "140.82.121.4", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert networks.is_public(ipaddress.ip_address(text))


def test_a_name_for_the_loopback_interface_is_refused(context: RecordingContext) -> None:
    with pytest.raises(ToolError) as error:
        networks.resolve(context, "localhost", 443, trusted=False)
    assert error.value.code == "repository_refused"


def test_a_trusted_name_may_be_private(context: RecordingContext) -> None:
    assert ipaddress.ip_address("127.0.0.1") in networks.resolve(context, "localhost", 443, trusted=True)


def test_an_unknown_name_cannot_be_reached(context: RecordingContext) -> None:
    with pytest.raises(ToolError) as error:
        networks.resolve(context, "no-such-host.invalid", 443, trusted=False)
    assert error.value.code == "repository_unreachable"


def test_looking_a_name_up_can_be_stopped(context: RecordingContext) -> None:
    context.stop()
    with pytest.raises(Stopped):
        networks.resolve(context, "no-such-host.invalid", 443, trusted=False)
