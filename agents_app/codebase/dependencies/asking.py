"""One request to a registry: to the address that was looked up, within bounds of time and size."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urljoin, urlsplit

from agents_app.isolation.networks import is_public

CONNECT_SECONDS = 4.0
REQUEST_SECONDS = 8.0
BODY_MAX_BYTES = 8 * 1024 * 1024
_REDIRECTS_MAX = 3
_CHUNK_BYTES = 64 * 1024
_MOVED = {301, 302, 303, 307, 308}

# One look-up at a time for each host.
_resolving: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class Unanswered(Exception):
    """The registry gave no answer that can be used; the message says why in a few words."""


class Unreachable(Unanswered):
    """There is no way to the registry, so asking it again soon is of no use."""


class Unlisted(Unanswered):
    """The registry does not have such a package."""


@dataclass(frozen=True)
class _Answer:
    status: int
    location: str
    body: bytes


def ask(registry: str, path: str, accept: str) -> bytes:
    """Return what `registry` has at `path` below its address. Raises `Unanswered`.

    The registry's own host may have any address: the operator chose it. Wherever else it sends us must be
    public, and as well protected (https stays https).
    """
    home = urlsplit(registry)
    url = urlsplit(f"{registry.rstrip('/')}/{path}")
    deadline = time.monotonic() + REQUEST_SECONDS
    for _redirect in range(_REDIRECTS_MAX + 1):
        answer = _request(url, accept, deadline, trusted=url.netloc == home.netloc)
        if answer.status == 200:
            return answer.body
        if answer.status in {404, 410}:
            raise Unlisted("it has no such package")
        if answer.status not in _MOVED or not answer.location:
            raise Unanswered(f"it answered with status {answer.status}")
        url = _target(url, answer.location, home.scheme)
    raise Unanswered("it redirects too often")


def _target(url: SplitResult, location: str, scheme: str) -> SplitResult:
    try:
        target = urlsplit(urljoin(url.geturl(), location))
        acceptable = target.scheme in {"https", scheme} and target.hostname and target.username is None
    except ValueError:
        acceptable = False
    if not acceptable:
        raise Unanswered("it redirects to an address that is not allowed")
    return target


def _request(url: SplitResult, accept: str, deadline: float, *, trusted: bool) -> _Answer:
    connection = _Connection(url, _address(url, trusted=trusted))
    target = url.path + (f"?{url.query}" if url.query else "")
    headers = {"Host": url.netloc, "Accept": accept, "Accept-Encoding": "identity", "User-Agent": "mcpchat"}
    try:
        connection.request("GET", target or "/", headers=headers)
        response = connection.getresponse()
        body = _body(response, deadline) if response.status == 200 else b""
        return _Answer(response.status, response.headers.get("Location", ""), body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"the connection failed ({type(error).__name__})") from None
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Return the body, read in pieces: a server that sends a byte a second would never be done."""
    body = bytearray()
    while piece := response.read1(_CHUNK_BYTES):
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise Unanswered("its answer is too large")
        if time.monotonic() > deadline:
            raise Unanswered("it takes too long")
    return bytes(body)


def _address(url: SplitResult, *, trusted: bool) -> str:
    host = url.hostname or ""
    try:
        with _resolving[host]:
            addresses = _resolved(host, _port(url))
    except (OSError, UnicodeError, ValueError):
        raise Unreachable("its host is not known") from None
    # One private address among public ones is how a name is pointed inwards.
    if not trusted and not all(
        is_public(ipaddress.ip_address(address.partition("%")[0])) for address in addresses
    ):
        raise Unanswered("it redirects into a private network")
    return addresses[0]


@cache
def _resolved(host: str, port: int) -> list[str]:
    """Look a name up once: many threads that ask for the same at once overrun some resolvers."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


@cache
def _tls() -> ssl.SSLContext:
    """Return the settings of all connections: reading the authorities takes long."""
    return ssl.create_default_context()


class _Connection(http.client.HTTPConnection):
    """A connection to one address, with the certificate of the name."""

    def __init__(self, url: SplitResult, address: str) -> None:
        super().__init__(url.hostname or "", _port(url), timeout=CONNECT_SECONDS)
        self._address = address
        self._secure = url.scheme == "https"

    def connect(self) -> None:
        """Connect to the address that was looked at, not to another that the name has by then."""
        try:
            self.sock = socket.create_connection((self._address, self.port), CONNECT_SECONDS)
            if self._secure:
                self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)
        except OSError as error:
            raise Unreachable(f"no connection ({type(error).__name__})") from None
