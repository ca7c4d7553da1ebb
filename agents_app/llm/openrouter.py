"""OpenRouter: set OPENROUTER_API_KEY."""

from pydantic_ai.models import Model
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.openrouter import OpenRouterProvider

from agents_app.llm.openai import listed_by
from agents_app.model_providers import Endpoint


def build(model_name: str, endpoint: Endpoint) -> Model:
    """Return the model; raises pydantic-ai's `UserError` without a key."""
    return OpenRouterModel(model_name, provider=_provider(endpoint))


async def list_models(endpoint: Endpoint) -> list[str]:
    """Return what it offers, which is several hundred: operators had better name those to be picked."""
    return await listed_by(_provider(endpoint).client)


def _provider(endpoint: Endpoint) -> OpenRouterProvider:
    return OpenRouterProvider(api_key=endpoint.api_key or None)
