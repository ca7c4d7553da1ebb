"""What a model's errors mean: what the chat says, and whether trying again may help."""

import re
from dataclasses import dataclass
from random import uniform
from typing import Any

from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    OutputTokenLimitExceeded,
    UserError,
)

from sessions_app import plain
from sessions_app.errors import Refusal

DETAIL_MAX_CHARACTERS = 300
WAITS_SECONDS = (1.0, 2.0, 4.0, 8.0)
LONGEST_WAIT_SECONDS = 60.0
_SECRET = re.compile(r"\b(?:sk|key|pk|AIza)[-_A-Za-z0-9*]{6,}|Bearer\s+\S+", re.IGNORECASE)

_MEANINGS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        ModelAuthenticationError,
        "model_key_refused",
        "The provider of {model} refused the key. The operator of this server has to set another one.",
    ),
    (
        ModelNotFoundError,
        "unknown_model",
        "The provider does not know {model}. Choose another model above, then regenerate the answer.",
    ),
    (
        ModelContextWindowExceededError,
        "context_exceeded",
        "This is longer than {model} can read. Choose a model with a larger context, or begin a new chat.",
    ),
    (
        ModelQuotaExceededError,
        "model_quota_exceeded",
        "The account behind {model} has no quota or credit left. Choose another model, or have it topped up.",
    ),
    (
        ModelRateLimitError,
        "model_rate_limited",
        "{model} takes no more requests just now. Wait a little, then try again, or choose another model.",
    ),
    (
        ModelRequestTimeout,
        "model_timeout",
        "{model} began no answer in time. Try again, or choose another model.",
    ),
    (
        ModelTimeoutError,
        "model_timeout",
        "{model} fell silent for too long. Try again, or choose another model.",
    ),
    (
        ModelUnavailableError,
        "model_unavailable",
        "{model} is overloaded or down. Try again later, or choose another model.",
    ),
    (
        ModelServerError,
        "model_unavailable",
        "The provider of {model} failed. Try again later, or choose another model.",
    ),
    (
        ModelConnectionError,
        "model_unreachable",
        "The provider of {model} cannot be reached. Is its server running? Is its address right?",
    ),
    (ModelRequestRejectedError, "model_rejected", "{model} did not take the request."),
    (ContentFilterError, "model_content_filtered", "{model} gave no answer because of its content filter."),
    (
        OutputTokenLimitExceeded,
        "model_output_limit",
        "{model} reached the longest answer that it may give. Ask for a shorter one.",
    ),
    (ModelAPIError, "model_error", "{model} did not answer."),
    (UserError, "model_not_configured", "{model} cannot be used."),
    (AgentRunError, "model_error", "{model} did not answer."),
)
_CUT = (
    "The answer of {model} broke off. What there is stays above: say *go on*, or regenerate it.",
    "model_stream_cut",
)
_PASSING = (ModelRateLimitError, ModelUnavailableError, ModelServerError, ModelConnectionError)


def refusal(model: str, error: Exception, *, begun: bool = False) -> Refusal:
    """Return what the chat says of an error; `begun` says that part of the answer is there already."""
    code, sentence = next((code, text) for kind, code, text in _MEANINGS if isinstance(error, kind))
    if begun and isinstance(error, _PASSING):
        sentence, code = _CUT
    said = sentence.format(model=model)
    detail = _detail(error)
    return Refusal(code, f"{said} It said: {detail}" if detail else said)


@dataclass
class Patience:
    """How often and how long one answer waits for a provider that may come back."""

    tries: int = 1

    def wait_after(self, error: Exception) -> float | None:
        """Return how many seconds to wait before trying again; None if that would not help.

        A provider that is merely busy is asked more often than one that cannot be reached, and none is
        waited for longer than a reader would.
        """
        if not isinstance(error, _PASSING) or (
            isinstance(error, ModelTimeoutError) and error.phase not in ("pool", "connect")
        ):
            return None
        busy = isinstance(error, ModelRateLimitError | ModelUnavailableError)
        waits = WAITS_SECONDS if busy else WAITS_SECONDS[:2]
        if self.tries > len(waits):
            return None
        wait = max(waits[self.tries - 1] * uniform(0.8, 1.2), error.retry_after or 0.0)  # noqa: S311  # spreads the load, guards nothing
        self.tries += 1
        return wait if wait <= LONGEST_WAIT_SECONDS else None


def _detail(error: Exception) -> str:
    """Return the provider's own words, without what looks like a key."""
    body = error.body if isinstance(error, ModelAPIError) else None
    words = _message_in(body) or ("" if isinstance(error, ModelConnectionError) else str(error))
    return _SECRET.sub("…", " ".join(plain.text(words).split()))[:DETAIL_MAX_CHARACTERS]


def _message_in(body: Any) -> str:
    """Return the sentence in a provider's error body: each has it in another place."""
    if not isinstance(body, dict):
        return ""
    inner = body.get("error", body)
    message = inner.get("message") if isinstance(inner, dict) else inner
    return message if isinstance(message, str) else ""
