"""OpenAI, and every server that speaks its API: vLLM, llama.cpp, LM Studio and the like by their address."""

from functools import cached_property
from typing import Any

from openai import AsyncOpenAI
from openai.resources.chat import AsyncChat, AsyncCompletions
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


class Client(AsyncOpenAI):
    """The SDK's client, but messages and tools are sent as pydantic-ai made them: as they go over the wire.

    The SDK walks through all of them to rename what its types say is to be renamed, which nothing in them is.
    With twenty exchanges that takes longer than all else before a request, on the loop that all turns share.
    """

    @cached_property
    def chat(self) -> AsyncChat:
        """Return the chats."""
        return _Chat(self)


class _Chat(AsyncChat):
    @cached_property
    def completions(self) -> AsyncCompletions:
        return _Completions(self._client)


class _Completions(AsyncCompletions):
    async def create(self, **request: Any) -> Any:
        made = {name: request[name] for name in ("messages", "tools") if isinstance(request.get(name), list)}
        rest = {name: value for name, value in request.items() if name not in made}
        extra_body = {**made, **(rest.pop("extra_body", None) or {})}
        return await super().create(**rest, messages=[], extra_body=extra_body)


def _provider(endpoint: Endpoint) -> OpenAIProvider:
    # Without a key of its own another server must not be sent the environment's.
    api_key = endpoint.api_key or ("none" if endpoint.base_url else None)
    provider = OpenAIProvider(base_url=endpoint.base_url or None, api_key=api_key)
    client = Client(base_url=provider.base_url, api_key=provider.client.api_key)
    return OpenAIProvider(openai_client=client)
