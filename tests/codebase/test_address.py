"""Which addresses may be cloned, decided before anything is looked up."""

import pytest

from agents_app.codebase import address
from sessions_app.errors import Refusal

HOSTILE = [
    "--upload-pack=touch owned",
    "-oProxyCommand=touch",
    "ext::sh -c touch% owned",
    "ext::sh",
    "file:///etc",
    "/etc",
    "../etc",
    "fd::17/foo",
    "ftp://example.org/x.git",
    "https://example.org/x.git\nhost: evil",
    "https://example.org/x y",
    "https://example.org\\@evil.org/x",
    "https://user:secret@example.org/x.git",
    "https://token@example.org/x.git",
    "ssh://git:secret@example.org/x.git",
    "ssh://-oProxyCommand=x@example.org/x",
    "ssh://-oProxyCommand=x/x",
    "git@-oProxyCommand=x:y/z",
    "git@example.org:-x",
    "git://git@example.org/x",
    "https://example.org:99999/x",
    "https://example.org:0/x",
    "https://example.org/x?token=secret",
    "https://example.org/x#part",
    "https://example.org",
    "http://example.org/x.git",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "http://[::ffff:127.0.0.1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::1]/x",
    "https://[fe80::1%25eth0]/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://127.0.0.1/x",
    "https://10.0.0.1/x",
    "https://0.0.0.0/x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0177.0.0.1/x",
    "https://[example.org]/x",
    "https://ex..ample.org/x",
    "https://exämple.org/x",
    "ssh://git@10.0.0.1/x",
    "git@127.0.0.1:x/y",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        address.parse(text, [])
    assert refusal.value.code == "repository_refused"
    assert "secret" not in refusal.value.detail
    assert "ProxyCommand" not in refusal.value.detail


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "name"),
    [
        ("https://github.com/pallets/flask", "https", "github.com", 443, "flask"),
        ("HTTPS://GitHub.com:8443/pallets/flask.git/", "https", "github.com", 8443, "flask"),
        ("https://example.org./a/b%20c", "https", "example.org", 443, "b%20c"),
        ("ssh://git@example.org:2222/a/b.git", "ssh", "example.org", 2222, "b"),
        ("git@github.com:pallets/flask.git", "ssh", "github.com", 22, "flask"),
        ("git://example.org/x", "git", "example.org", 9418, "x"),
        ("https://8.8.8.8/x", "https", "8.8.8.8", 443, "x"),
        ("https://[2606:4700::1111]:444/x", "https", "2606:4700::1111", 444, "x"),
    ],
)
def test_a_proper_address_is_read(text: str, scheme: str, host: str, port: int, name: str) -> None:
    found = address.parse(text, [])
    assert (found.scheme, found.host, found.port, found.name) == (scheme, host, port, name)
    assert not found.trusted


@pytest.mark.parametrize(
    ("listed", "text", "trusted"),
    [
        ("localhost:8080", "http://localhost:8080/x", True),
        ("localhost", "http://localhost:8080/x", True),
        ("127.0.0.1:80", "http://127.0.0.1/x", True),
        ("[::1]:8080", "http://[::1]:8080/x", True),
        ("::1", "http://[::1]:8080/x", True),
        ("Git.Intern", "https://git.intern/x", True),
        ("example.org", "https://example.org/x", True),
        ("example.org:444", "https://example.org/x", False),
    ],
)
def test_hosts_are_trusted_as_they_are_listed(listed: str, text: str, trusted: bool) -> None:
    assert address.parse(text, [listed]).trusted is trusted


def test_a_listed_port_does_not_open_other_ports() -> None:
    with pytest.raises(Refusal):
        address.parse("http://localhost:6379/x", ["localhost:8080"])


def test_the_user_of_an_ssh_address_is_not_shown() -> None:
    assert address.parse("ssh://git@example.org:2222/x", []).shown == "ssh://example.org:2222/x"


@pytest.mark.parametrize("text", ["main", "v1.0", "feature/x", "release-1.x", "日本", "a@b", "1.0.lockstep"])
def test_a_proper_reference_is_accepted(text: str) -> None:
    address.check_reference(text)


@pytest.mark.parametrize("text", ["--upload-pack=x", "-b", "-"])
def test_a_reference_that_looks_like_an_option_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        address.check_reference(text)
    assert refusal.value.code == "repository_refused"


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "a..b",
        "a\nb",
        "a~1",
        "a^",
        "a:b",
        "a\\b",
        "/a",
        "a/",
        "a.lock",
        "a.lock/b",
        ".a",
        "a/.b",
        "a@{1}",
        "a*",
        "",
    ],
)
def test_a_reference_that_git_forbids_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        address.check_reference(text)
    assert refusal.value.code == "invalid_arguments"
