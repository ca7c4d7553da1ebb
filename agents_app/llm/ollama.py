"""Ollama: on this machine, or at OLLAMA_BASE_URL (with its /v1)."""

from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.ollama import OllamaProvider

from agents_app.llm.openai import Client, listed_by
from agents_app.model_providers import Endpoint

HERE = "http://127.0.0.1:11434/v1"


def build(model_name: str, endpoint: Endpoint) -> Model:
    """Return the model."""
    return OpenAIChatModel(model_name, provider=_provider(endpoint))


async def list_models(endpoint: Endpoint) -> list[str]:
    """Return the models that were pulled."""
    return await listed_by(_provider(endpoint).client)


def _provider(endpoint: Endpoint) -> OllamaProvider:
    # It takes any key; without one the client would look for OpenAI's.
    return OllamaProvider(
        openai_client=Client(base_url=endpoint.base_url or HERE, api_key=endpoint.api_key or "none")
    )
