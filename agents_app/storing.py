"""Storing what must not be lost by a process that lives on."""

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections

logger = logging.getLogger(__name__)

WAITS_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def patiently(what: str, store: Callable[[], object]) -> None:
    """Call `store`, again and again while the database is away: nobody else would store it."""
    for wait in WAITS_SECONDS:
        try:
            store()
            return
        except DatabaseError:
            logger.exception("could not store %s; again in %.1f s", what, wait)
            close_old_connections()
            time.sleep(wait)
