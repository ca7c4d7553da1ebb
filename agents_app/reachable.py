"""Waits for the database at the start of what runs for ever: ending instead would only start it again."""

import logging
import time

from django.db import DatabaseError, InterfaceError, connection

logger = logging.getLogger(__name__)

WAIT_SECONDS = 1.0


def wait_for_the_database() -> None:
    """Return once it takes a connection."""
    while True:
        try:
            connection.ensure_connection()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("waiting for the database: %s", type(error).__name__)
            time.sleep(WAIT_SECONDS)
        else:
            return
