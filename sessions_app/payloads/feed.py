"""How events travel: what is around a payload, and what the feed says about itself."""

from typing import Annotated, Any, NotRequired, TypedDict

from sessions_app.payloads.forms import Id, Time


class DurableEvent(TypedDict):
    """An event with a row, the same over the websocket, REST and server-sent events."""

    session_id: Id
    seq: Annotated[int, "its number in the session: 1, 2, 3, … without a gap"]
    kind: str
    payload: Annotated[dict[str, Any], "the fields of its kind, at most 16 KB of JSON"]
    created_at: Time


class EphemeralEvent(TypedDict):
    """An event of a session that is not stored."""

    session_id: Id
    kind: str
    payload: Annotated[dict[str, Any], "the fields of its kind, at most 16 KB of JSON"]
    created_at: Time


class StaffEvent(TypedDict):
    """An event about the whole installation."""

    kind: str
    payload: Annotated[dict[str, Any], "the fields of its kind, at most 16 KB of JSON"]
    created_at: Time


class ControlEvent(TypedDict):
    """What the feed says about itself."""

    kind: str
    payload: Annotated[dict[str, Any], "the fields of its kind"]


class FeedReady(TypedDict):
    """All that was before has been sent; what follows is live."""

    last_seq: NotRequired[
        Annotated[int, "you have all durable events up to this `seq`; left out on the feed for staff"]
    ]


class FeedReset(TypedDict):
    """What was asked for is no longer kept: load the snapshot, then go on with this feed."""

    last_seq: Annotated[int, "the feed goes on after this `seq`"]


class FeedPong(TypedDict):
    """The answer to `{"type": "ping"}`; it has no fields."""


class FeedError(TypedDict):
    """What the client sent was not understood, and changed nothing."""

    code: Annotated[str, "such as `malformed_json` or `unknown_type`; never changes its meaning"]
    message: Annotated[str, "English, may change"]
