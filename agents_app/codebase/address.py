"""What may be cloned: reading an address that a person or a model gave.

Nothing here looks a name up or touches the network. Messages name the host at most, never the address as
given: it may hold a password or a token.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents_app.isolation import networks
from sessions_app.errors import Refusal

DEFAULT_PORTS = {"https": 443, "ssh": 22, "git": 9418, "http": 80}
_PATH = r"[A-Za-z0-9\-._~%!$&'()*+,;=:@/]+"
_HOST = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_USER = r"(?:(?P<user>[^@/]*)@)"
_URL = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://{_USER}?{_HOST}(?::(?P<port>\d{{1,5}}))?(?P<path>/{_PATH})"
)
_SCP = re.compile(rf"{_USER}{_HOST}:(?P<path>(?![-:]){_PATH})")
_SSH_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_REFERENCE = re.compile(
    r"(?![-./])(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)|[./]$))[^\x00-\x20\x7f~^:?*\[\\]{1,200}"
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """A repository's address in parts that were checked one by one.

    `host` is lower case without brackets. `trusted` says that the operator allow-listed the host.
    `scp_path` is the path of the short form `user@host:path`, else empty.
    """

    scheme: str
    user: str
    host: str
    port: int
    path: str
    scp_path: str = ""
    trusted: bool = False

    @property
    def name(self) -> str:
        """The repository's name: the last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2].removesuffix(".git") or self.host

    @property
    def shown(self) -> str:
        """The address as people may see it."""
        return f"{self.scheme}://{self.place}{self.path}"

    @property
    def place(self) -> str:
        """Host, and port where it is not the scheme's own."""
        host = networks.bracketed(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse(text: str, trusted_hosts: Sequence[str]) -> Address:
    """Return the parts of a repository's address.

    Raises `Refusal` (`repository_refused`) for schemes other than https, ssh and git (and http for trusted
    hosts), for credentials in the address, for anything that git could take for an option, and for
    addresses of private networks that are not trusted.
    """
    if re.search(r"[^\x21-\x7e]", text) or text.startswith("-"):
        raise _refusal("The repository's address holds characters that no address has.")
    match = _URL.fullmatch(text) or _SCP.fullmatch(text)
    if match is None:
        raise _refusal(
            "Give the repository's address as https://host/path, ssh://git@host/path or git@host:path."
        )
    return _checked(match.groupdict(), trusted_hosts)


def check_reference(reference: str) -> None:
    """Raise `Refusal` unless `reference` is a name that git allows for a branch or tag."""
    if reference.startswith("-"):
        raise _refusal("A branch or tag cannot begin with a dash.")
    if not _REFERENCE.fullmatch(reference):
        raise Refusal("invalid_arguments", "ref: git allows no branch or tag of that name.")


def _checked(parts: dict[str, str | None], trusted_hosts: Sequence[str]) -> Address:
    scheme = (parts.get("scheme") or "ssh").lower()
    if scheme not in DEFAULT_PORTS:
        raise _refusal(f"Repositories are fetched by https, ssh or git, not by {scheme[:20]}.")
    host = _host(parts["host"] or "")
    port = int(parts.get("port") or DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise _refusal("The repository's address has an impossible port.")
    trusted = is_trusted(host, port, trusted_hosts)
    _check_place(scheme, host, trusted)
    path = parts["path"] or ""
    return Address(
        scheme=scheme,
        user=_user(scheme, parts["user"]),
        host=host,
        port=port,
        path=path if path.startswith("/") else f"/{path}",
        scp_path="" if "scheme" in parts else path,
        trusted=trusted,
    )


def _host(text: str) -> str:
    """Return the host in one spelling; raise for names that could be an address in disguise."""
    host = networks.spelled(text)
    if not host:
        raise _refusal("The repository's address names no proper host.")
    return host


def _user(scheme: str, user: str | None) -> str:
    if user is None:
        return ""
    if scheme != "ssh" or not _SSH_USER.fullmatch(user):
        raise _refusal("Credentials in the repository's address are not accepted, and not needed.")
    return user


def _check_place(scheme: str, host: str, trusted: bool) -> None:
    if trusted:
        return
    if scheme == "http":
        raise _refusal("Plain http is allowed only for hosts that the operator listed. Use https.")
    address = networks.literal(host)
    if address is not None and not networks.is_public(address):
        raise _refusal("The repository's address is inside a private network.")


def is_trusted(host: str, port: int, trusted_hosts: Sequence[str]) -> bool:
    """Say whether `host` is listed, alone or with this `port`."""
    bare = networks.bracketed(host)
    listed = {entry.strip().lower() for entry in trusted_hosts}
    return bool(listed & {host, bare, f"{bare}:{port}"})


def _refusal(sentence: str) -> Refusal:
    return Refusal("repository_refused", sentence)
