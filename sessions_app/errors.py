"""Refusals: what every door answers when it will not do a thing."""

from typing import Any


class Refusal(Exception):
    """A request that is refused, with a stable `code` for programs and a sentence for people.

    `status` is the HTTP status of the REST door; `extra` are further members of the problem document
    (RFC 9457, section 3.2).
    """

    def __init__(self, code: str, detail: str, status: int = 400, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.extra = extra

    def as_error(self) -> dict[str, str]:
        """Return the `error` member of an event or a failed row."""
        return {"code": self.code, "message": self.detail}


def not_found(what: str) -> Refusal:
    """Return the answer for a thing that does not exist or belongs to another user: both look alike."""
    return Refusal("not_found", f"There is no such {what}.", status=404)
