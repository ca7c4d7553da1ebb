"""Anthropic: set ANTHROPIC_API_KEY."""

from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel


def build(model_name: str) -> Model:
    """Return the model; raises pydantic-ai's `UserError` without a key."""
    return AnthropicModel(model_name)
