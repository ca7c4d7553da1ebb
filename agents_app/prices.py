"""What is known of published models, offline: the context that they can read, and what they cost.

Only the chat worker imports this: the data takes a quarter of a second.
"""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import AbstractUsage


def context_tokens(model: str, model_name: str, url: str | None, provider: str) -> int:
    """Return what the model called `model` here can read: as set, as published, or as set for the unknown."""
    return (
        settings.MODEL_CONTEXTS.get(model)
        or _published(model_name, url, provider)
        or settings.MODEL_CONTEXT_TOKENS
    )


def cost_usd(
    usage: AbstractUsage, model_name: str, url: str | None, provider: str, at: datetime
) -> Decimal | None:
    """Return what a request cost; None if the price is not known."""
    try:
        if url:  # the same name at another address is another offer: one's own server has no price
            return calc_price(usage, model_name, provider_api_url=url, genai_request_timestamp=at).total_price
        return calc_price(usage, model_name, provider_id=provider, genai_request_timestamp=at).total_price
    except (LookupError, ValueError):
        return None


def _published(model_name: str, url: str | None, provider: str) -> int | None:
    try:
        _, info = get_snapshot().find_provider_model(model_name, None, None if url else provider, url)
    except LookupError:
        return None
    return info.context_window
