from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents_app import maintenance
from agents_app.models import MaintenanceRun
from sessions_app.errors import Refusal
from sessions_app.payloads import JobOutcome


class Command(BaseCommand):
    """Clean up now; prints a line for each job."""

    help = "Run the maintenance jobs now: the hourly ones, with --deep all of them. Exit 1 if one failed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --deep."""
        parser.add_argument("--deep", action="store_true", help="run the daily jobs too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the jobs; exit 1 if one failed or a run is under way."""
        try:
            run = maintenance.force(deep=options["deep"], tell=self._tell)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        if run.state != MaintenanceRun.State.SUCCEEDED:
            raise CommandError(f"Maintenance failed: {run.error}")

    def _tell(self, name: str, outcome: JobOutcome) -> None:
        mark = "FAILED " if outcome["failed"] else ""
        self.stdout.write(f"{name}: {mark}{outcome['line']} ({outcome['duration_ms']} ms)")
