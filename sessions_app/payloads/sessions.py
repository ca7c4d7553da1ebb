"""Payloads about a session itself: its state, its messages."""

from typing import Annotated, TypedDict

from sessions_app.payloads.forms import Id, OneOf, Time


class Error(TypedDict):
    """Why something failed: a stable code for programs, a sentence for people."""

    code: Annotated[str, "such as `timeout`; never changes its meaning"]
    message: Annotated[str, "English, may change"]


class SessionPayload(TypedDict):
    """A chat session as it stands."""

    session_id: Id
    title: Annotated[str, "at most 200 characters; empty until somebody named it or said something"]
    state: Annotated[str, OneOf("active", "archived", "stopped")]
    model: Annotated[str, "`provider:model`; empty for the server's own choice"]
    branch_id: Annotated[
        Id | None,
        "the branch that is shown, null while nothing was said anew; "
        "if it is another one than before, load the snapshot",
    ]


class MessagePayload(TypedDict):
    """A message as it stands."""

    message_id: Id
    seq: Annotated[int, "place in the session: the `seq` of the event that added it"]
    role: Annotated[
        str, OneOf("user", "assistant", "subagent"), "`subagent` hands in the result of a subagent"
    ]
    state: Annotated[
        str,
        OneOf("streaming", "complete", "interrupted"),
        "`streaming` text still grows; `interrupted` text ended before the model did",
    ]
    content: Annotated[str, "Markdown; only its beginning if `truncated`"]
    html: Annotated[str, "the sanitised HTML of `content`; empty while streaming or if `truncated`"]
    truncated: Annotated[
        bool,
        "whether `content` was too large for an event: the whole is at "
        "`GET /api/sessions/{id}/messages/{message_id}/`",
    ]
    generation: Annotated[int, "grows when the text is written anew after a crash"]
    wants_answer: Annotated[bool, "false for one that no turn is to take up, such as a command"]
    turn_id: Annotated[Id | None, "the turn that took it up or wrote it"]
    subagent_id: Annotated[Id | None, "the subagent whose result it is"]
    created_at: Time


class MessagesJoined(TypedDict):
    """Messages that were sent while a turn ran joined its next step: those up to a place that waited."""

    turn_id: Id
    up_to_seq: Annotated[int, "the `seq` of the newest of them; each one before it that waited joined too"]


class MessageDelta(TypedDict):
    """A piece of the text of a message that is `streaming`; `message.completed` brings the whole."""

    message_id: Id
    generation: Annotated[int, "a higher one than before: forget the text so far, it is written anew"]
    offset: Annotated[int, "where `text` begins in the message, in characters (Unicode code points)"]
    text: str
