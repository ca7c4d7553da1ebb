"""A message of a document, without a chat."""

from datetime import UTC, datetime
from uuid import uuid4

from exports_app.document import DocumentMessage


def said(content: str, number: int = 1) -> DocumentMessage:
    """Return what a person said, as the message of that number."""
    return DocumentMessage(
        id=uuid4(),
        seq=number,
        number=number,
        role="user",
        state="complete",
        content=content,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        turn_id=None,
        model="",
        subagent_id=None,
    )
