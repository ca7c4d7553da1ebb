"""The model providers, one a file, each with `build(model_name)`: only the chosen one is imported.

A model is named `provider:model`, for instance `openai:gpt-5`; `demo` needs neither key nor network.
"""

from importlib import import_module
from pkgutil import iter_modules

from pydantic_ai.models import Model

from sessions_app.errors import Refusal


def build(name: str) -> Model:
    """Return the model called `provider:model`.

    Raises `Refusal` (`unknown_model`) for a provider that there is not, and what the provider raises if it
    lacks a key.
    """
    provider, _, model_name = name.partition(":")
    if provider not in providers():
        known = ", ".join(providers())
        raise Refusal(
            "unknown_model", f"The model {name[:80]!r} names no known provider. Providers: {known}."
        )
    model: Model = import_module(f"{__name__}.{provider}").build(model_name)
    return model


def providers() -> list[str]:
    """Return the names of the providers."""
    return sorted(module.name for module in iter_modules(__path__))
