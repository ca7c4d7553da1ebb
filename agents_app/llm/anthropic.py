"""Anthropic: set ANTHROPIC_API_KEY."""

from anthropic import AsyncAnthropic
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from agents_app.model_providers import Endpoint


def build(model_name: str, endpoint: Endpoint) -> Model:
    """Return the model; raises pydantic-ai's `UserError` without a key."""
    provider = AnthropicProvider(api_key=_key(endpoint), base_url=endpoint.base_url or None)
    return AnthropicModel(model_name, provider=provider)


async def list_models(endpoint: Endpoint) -> list[str]:
    """Return what `GET /v1/models` lists."""
    client = AsyncAnthropic(
        api_key=_key(endpoint), base_url=endpoint.base_url or None, timeout=10, max_retries=0
    )
    async with client:
        return [model.id async for model in client.models.list(limit=100)]


def _key(endpoint: Endpoint) -> str | None:
    # Without a key of its own another server must not be sent the environment's.
    return endpoint.api_key or ("none" if endpoint.base_url else None)
