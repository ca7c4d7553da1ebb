"""Google Gemini: set GOOGLE_API_KEY."""

from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel


def build(model_name: str) -> Model:
    """Return the model; raises pydantic-ai's `UserError` without a key."""
    return GoogleModel(model_name)
