"""OpenAI, and every server that speaks its API: vLLM, llama.cpp, LM Studio and the like by their address."""

from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from agents_app.model_providers import Endpoint


def build(model_name: str, endpoint: Endpoint) -> Model:
    """Return the model; raises pydantic-ai's `UserError` with neither a key nor an address."""
    return OpenAIChatModel(model_name, provider=_provider(endpoint))


async def list_models(endpoint: Endpoint) -> list[str]:
    """Return what `GET /models` lists."""
    return await listed_by(_provider(endpoint).client)


async def listed_by(client: AsyncOpenAI) -> list[str]:
    """Return the models that a server with this API lists."""
    return [model.id async for model in client.with_options(timeout=10, max_retries=0).models.list()]


def _provider(endpoint: Endpoint) -> OpenAIProvider:
    # Without a key of its own another server must not be sent the environment's.
    api_key = endpoint.api_key or ("none" if endpoint.base_url else None)
    return OpenAIProvider(base_url=endpoint.base_url or None, api_key=api_key)
