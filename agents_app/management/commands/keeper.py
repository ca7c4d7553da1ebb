import gc
from pathlib import Path
from signal import SIGINT, SIGTERM, signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents_app.keeper import Keeper, hold_the_post
from agents_app.reachable import wait_for_the_database


class Command(BaseCommand):
    """Run the keeper of this host until SIGTERM or SIGINT."""

    help = "Watch this host's workers: dead processes, leases, deadlines, lost messages."

    def handle(self, *args: Any, **options: Any) -> None:
        """Keep, once the database is there; exit 1 if this host has a keeper already."""
        try:
            hold_the_post(Path(settings.RUN_DIR) / "keeper.lock")
        except BlockingIOError:
            raise CommandError("This host has a keeper already.") from None
        wait_for_the_database()
        keeper = Keeper()
        # What is loaded stays: the collector need not go through it again and again in an idle house.
        gc.collect()
        gc.freeze()

        def stop(*_: object) -> None:
            keeper.stopping = True

        signal(SIGTERM, stop)
        signal(SIGINT, stop)
        keeper.run()
