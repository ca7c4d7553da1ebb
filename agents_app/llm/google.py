"""Google Gemini: set GOOGLE_API_KEY."""

from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider

from agents_app.model_providers import Endpoint


def build(model_name: str, endpoint: Endpoint) -> Model:
    """Return the model; raises pydantic-ai's `UserError` without a key."""
    return GoogleModel(model_name, provider=_provider(endpoint))


async def list_models(endpoint: Endpoint) -> list[str]:
    """Return the models that generate content."""
    pages = await _provider(endpoint).client.aio.models.list(config={"http_options": {"timeout": 10_000}})
    return [
        (model.name or "").removeprefix("models/")
        async for model in pages
        if "generateContent" in (model.supported_actions or ())
    ]


def _provider(endpoint: Endpoint) -> GoogleProvider:
    # Without a key of its own another server must not be sent the environment's.
    api_key = endpoint.api_key or ("none" if endpoint.base_url else None)
    return GoogleProvider(api_key=api_key, base_url=endpoint.base_url or None)
