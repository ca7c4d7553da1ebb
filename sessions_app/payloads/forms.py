"""What the type of a field does not say: how its text is formed, which words it may be."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, kw_only=True)
class Form:
    """A text that follows a pattern: `name` for people, `openapi_format` for generated clients."""

    name: str
    openapi_format: str
    pattern: str


@dataclass(frozen=True, init=False)
class OneOf:
    """A text that is one of `words`."""

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)


_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"

Id = Annotated[str, Form(name="UUID", openapi_format="uuid", pattern=_UUID)]
Time = Annotated[str, Form(name="time", openapi_format="date-time", pattern=_TIME)]
RUN_STATES = OneOf("running", "succeeded", "failed")
