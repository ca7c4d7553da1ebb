"""What the pages know of exports."""

from django.conf import settings
from django.http import HttpRequest


def limits(_: HttpRequest) -> dict[str, int]:
    """Return what every template may show: how large an imported document may be, in bytes."""
    return {"import_max_bytes": settings.IMPORT_MAX_BYTES}
