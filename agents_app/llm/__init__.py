"""The model providers, one a file, of which only the chosen one is imported.

A provider's file has `build(model_name, endpoint)` and `list_models(endpoint)`. A model is named
`provider:model`, for instance `openai:gpt-5`; `demo` needs neither key nor network.
"""

from functools import lru_cache
from importlib import import_module
from typing import Protocol, cast

from pydantic_ai.models import Model

from agents_app.model_providers import Endpoint, endpoint_of


class Provider(Protocol):
    """What a provider's file offers."""

    def build(self, model_name: str, endpoint: Endpoint) -> Model:
        """Return the model; raise pydantic-ai's `UserError` if the endpoint lacks what it needs."""

    async def list_models(self, endpoint: Endpoint) -> list[str]:
        """Return the names of the models that the endpoint offers; raise the provider's own errors."""


def build(name: str) -> Model:
    """Return the model called `provider:model`, with connections that all its turns share.

    Raises `Refusal` (`unknown_model`) for a provider that there is not, and what the provider raises if it
    lacks a key.
    """
    endpoint = endpoint_of(name)
    return _built(endpoint, name.partition(":")[2])


def provider(kind: str) -> Provider:
    """Return a provider by its file's name, which must be one of `model_providers.kinds()`."""
    return cast(Provider, import_module(f"{__name__}.{kind}"))


@lru_cache(maxsize=64)
def _built(endpoint: Endpoint, model_name: str) -> Model:
    return provider(endpoint.kind).build(model_name, endpoint)
