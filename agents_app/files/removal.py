"""Taking files away, bytes first: a row without bytes is answered as expired, bytes without a row are not."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from agents_app.files import storage
from agents_app.files.model import StoredFile


def remove(rows: Iterable[StoredFile]) -> int:
    """Remove files with their rows; return how many. Raises `OSError` if bytes cannot be removed."""
    removed = 0
    for stored in rows:
        storage.remove(stored.pk)
        with transaction.atomic():
            StoredFile.objects.filter(pk=stored.pk).delete()
        removed += 1
    return removed


def remove_superseded(subagent_id: UUID) -> int:
    """Remove what earlier attempts of a subagent delivered: nobody has seen it since they were given back."""
    return remove(StoredFile.objects.filter(subagent_id=subagent_id).of_superseded_attempts())


def remove_of_session(session_id: UUID) -> int:
    """Remove all files of a session, whose rows are about to go."""
    return remove(StoredFile.objects.filter(session_id=session_id))
