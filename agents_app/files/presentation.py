"""Files as the event contract shows them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from django.db.models import Count, Window
from django.db.models.functions import RowNumber

from agents_app.files.model import StoredFile
from sessions_app.payloads import FilePayload

SHOWN_OF_WORK = 20


@dataclass
class Delivered:
    """What work delivered: the first of its files, and how many there are."""

    files: list[FilePayload] = field(default_factory=list)
    total: int = 0


def file_payload(stored: StoredFile) -> FilePayload:
    """Return a file that is there whole."""
    return {
        "file_id": str(stored.pk),
        "name": stored.name,
        "size": stored.size,
        "sha256": stored.sha256,
        "content_type": stored.content_type,
        "download_url": f"/files/{stored.pk}/",
        "expires_at": stored.expires_at.isoformat(),
    }


def delivered_by(subagent_ids: Iterable[UUID]) -> dict[UUID, Delivered]:
    """Return what the present attempts of subagents delivered, by one query; without those with nothing."""
    ids = list(subagent_ids)
    if not ids:
        return {}
    rank = Window(RowNumber(), partition_by="subagent_id", order_by=["created_at", "id"])
    of_work = StoredFile.objects.filter(subagent__in=ids, state=StoredFile.State.READY).of_present_attempts()
    counted = of_work.annotate(rank=rank, total=Window(Count("id"), partition_by="subagent_id"))
    found: dict[UUID, Delivered] = defaultdict(Delivered)
    for stored in counted.filter(rank__lte=SHOWN_OF_WORK).order_by("created_at", "id"):
        delivered = found[cast(UUID, stored.subagent_id)]
        delivered.files.append(file_payload(stored))
        delivered.total = stored.total
    return dict(found)
