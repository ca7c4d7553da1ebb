"""How much of the store a user may fill."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Sum
from django.utils import timezone

from agents_app.files.model import StoredFile
from sessions_app.errors import Refusal

FILES_OF_A_USER_MAX = 20_000


def require(owner_id: Any, size: int) -> None:
    """Make sure that a user has room for `size` more bytes, until the caller's transaction ends.

    A file that is being received counts with the size that was announced. Raises `Refusal`
    (`quota_exceeded`, 413).
    """
    # One after the other for each user: two that look at once would both find the same room.
    get_user_model().objects.select_for_update(no_key=True).filter(pk=owner_id).values_list("pk").get()
    kept = StoredFile.objects.filter(owner_id=owner_id).kept(timezone.now())
    found = kept.aggregate(bytes=Sum("size", default=0), count=Count("pk"))
    if found["bytes"] + size > settings.FILES_USER_MAX_BYTES:
        detail = (
            f"Your files have {found['bytes']:,} of at most {settings.FILES_USER_MAX_BYTES:,} bytes; "
            f"{size:,} more do not fit. Delete some, or wait until some expire."
        )
        raise Refusal("quota_exceeded", detail, 413, free_bytes=_free(found["bytes"]))
    if found["count"] >= FILES_OF_A_USER_MAX:
        detail = f"You have {found['count']:,} files, and no more are kept. Delete some."
        raise Refusal("quota_exceeded", detail, 413, free_bytes=_free(found["bytes"]))


def _free(taken: int) -> int:
    return max(0, int(settings.FILES_USER_MAX_BYTES) - taken)
