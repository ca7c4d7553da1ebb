"""Asks the web process whether every component is up."""

import http.client
import json
from dataclasses import dataclass, field

from mcpchat_project.address import Address

ANSWER_SECONDS = 2.0
ANSWER_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What is not ready yet, each with the reason that it gives."""

    missing: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything is ready."""
        return not self.missing

    def __str__(self) -> str:
        return ", ".join(f"{name} ({why})" if why else name for name, why in self.missing.items())


def ask(address: Address) -> Readiness:
    """Return what /readyz says; a web process that gives no sensible answer is what is missing itself."""
    connection = http.client.HTTPConnection(address.local_host, address.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"X-Forwarded-Proto": "https"})
        answer = connection.getresponse()
        return _read(answer.status, answer.read(ANSWER_MAX_BYTES))
    except (OSError, http.client.HTTPException):
        return Readiness(missing={"web": "no answer yet"})
    finally:
        connection.close()


def _read(status: int, body: bytes) -> Readiness:
    if status == http.HTTPStatus.OK:
        return Readiness()
    try:
        components = json.loads(body)["components"]
        missing = {name: str(state["reason"]) for name, state in components.items() if not state["ok"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        missing = {}
    return Readiness(missing=missing or {"web": f"HTTP status {status}"})
