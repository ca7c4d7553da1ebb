"""OpenAI, and every server that speaks its API: OPENAI_API_KEY, and OPENAI_BASE_URL for another server."""

from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel


def build(model_name: str) -> Model:
    """Return the model; raises pydantic-ai's `UserError` without a key."""
    return OpenAIChatModel(model_name)
