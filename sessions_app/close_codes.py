"""Why the server closes a websocket of the feed."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Close codes (RFC 6455, section 7.4.2: those from 4000 on are the application's own).

    Each has a sentence that tells a client what to do; `docs/events.md` shows it.
    """

    sentence: str

    def __new__(cls, code: int, sentence: str) -> "CloseCode":
        """Make a member that is its number."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    BAD_REQUEST = 4400, "`after` is no number, or beyond the newest event. Load the snapshot and begin anew."
    NOT_LOGGED_IN = 4401, "No valid token or session cookie. Log in first."
    REFUSED = 4403, "The page's origin is not allowed, or the feed is for staff only. Do not try again."
    NO_SUCH_SESSION = 4404, "There is no such session, or it is not yours. Do not try again."
    TOO_SLOW = 4408, "You read too slowly. Connect again with the last `seq`."
    TOO_MANY_SOCKETS = 4429, "You have too many sockets open. Try again later, and slowly."
    FAILED = 1011, "The server failed. Connect again with the last `seq`, with growing pauses."
