"""Why the server closes a websocket of the feed."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Close codes (RFC 6455, section 7.4.2: those from 4000 on are the application's own)."""

    BAD_REQUEST = 4400
    NOT_LOGGED_IN = 4401
    REFUSED = 4403
    NO_SUCH_SESSION = 4404
    TOO_SLOW = 4408
    TOO_MANY_SOCKETS = 4429
    FAILED = 1011
