from pathlib import Path

import pytest

from mcpchat_project.address import LOCK_NAME, Address, listen_address, site_url


def test_the_defaults_are_port_8000_of_this_machine_alone() -> None:
    assert listen_address({}).url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80 80", "http", "٣", "1e3"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match=r"^PORT must be a number from 1 to 65535, not "):
        listen_address({"PORT": port})


def test_a_name_is_shown_and_allowed_as_it_was_given() -> None:
    address = listen_address({"HOST": "chat.example.org", "PORT": "9000"})
    assert address.url == "http://chat.example.org:9000"
    assert address.allowed_hosts == ["chat.example.org"]


def test_an_ipv6_address_is_bracketed() -> None:
    address = listen_address({"HOST": "[::1]"})
    assert (address.local_host, address.url, address.allowed_hosts) == ("::1", "http://[::1]:8000", ["[::1]"])


@pytest.mark.parametrize(("host", "local"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_a_wildcard_is_reached_by_a_real_address(host: str, local: str) -> None:
    address = Address(host=host, port=8000)
    assert address.local_host == local
    assert address.visible_host not in ("", host)
    assert (":" in address.visible_host) == (":" in host)
    assert "0.0.0.0" not in address.allowed_hosts
    assert "*" not in address.allowed_hosts
    assert "[::]" not in address.allowed_hosts
    assert len(address.allowed_hosts) >= 2


def test_the_address_of_the_running_installation_is_preferred(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("123 http://127.0.0.1:9999\n")
    assert site_url(tmp_path) == "http://127.0.0.1:9999"


@pytest.mark.parametrize("content", [None, "", "123"])
def test_without_a_running_installation_the_address_is_what_it_would_have(
    tmp_path: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("HOST", "127.0.0.1")
    if content is not None:
        (tmp_path / LOCK_NAME).write_text(content)
    assert site_url(tmp_path) == "http://127.0.0.1:8123"
