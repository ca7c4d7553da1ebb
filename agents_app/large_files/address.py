"""The addresses that files may be downloaded from: https, without a login, on a host that is no disguise."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from agents_app.isolation import networks
from sessions_app.errors import Refusal


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a download goes: `target` is path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str
    name: str

    @property
    def shown(self) -> str:
        """The address without its query, in which keys are put."""
        port = "" if self.port in (443, 80) else f":{self.port}"
        return f"{self.scheme}://{networks.bracketed(self.host)}{port}{self.target.partition('?')[0]}"

    def trusted(self, hosts: Collection[str]) -> bool:
        """Whether the operator lists the host (`host` or `host:port`), so that it may be private."""
        return not {self.host, f"{self.host}:{self.port}"}.isdisjoint(hosts)


def check(address: Address, trusted_hosts: Collection[str]) -> None:
    """Raise `Refusal` (`url_refused`) for plain http and private networks, unless the host is trusted."""
    if address.trusted(trusted_hosts):
        return
    if address.scheme != "https":
        raise Refusal("url_refused", "Only https addresses can be downloaded.")
    literal = networks.literal(address.host)
    if literal is not None and not networks.is_public(literal):
        raise Refusal("url_refused", f"The host {address.host} is inside a private network.")


def parse(text: str) -> Address:
    """Return the address `text`; raises `Refusal` (`url_refused`). Looks nothing up."""
    try:
        parts = urlsplit(text)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Refusal("url_refused", "That is not an address.") from None
    if parts.scheme not in ("https", "http"):
        raise Refusal("url_refused", "Only https addresses can be downloaded.")
    if "@" in parts.netloc:
        raise Refusal("url_refused", "An address with a login in it is not taken.")
    host = networks.spelled(parts.hostname or "")
    if not host or not text.isascii() or any(char <= " " or char == "\x7f" for char in text):
        raise Refusal("url_refused", "That is not an address that can be downloaded.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = parts.path.rpartition("/")[2]
    return Address(scheme=parts.scheme, host=host, port=port, target=target, name=name or host)
