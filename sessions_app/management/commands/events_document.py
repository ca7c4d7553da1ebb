"""`manage.py events_document`: print `docs/events.md`, write it, or check it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions_app.event_document import render


class Command(BaseCommand):
    """Print the document of all events."""

    help = "Print the document of all events, or write it into a file, or check that a file is up to date."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --write or --check."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--write", type=Path, metavar="FILE", help="write it there")
        choice.add_argument("--check", type=Path, metavar="FILE", help="exit 1 if the file differs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked; exit 1 if a checked file differs."""
        if options["write"]:
            options["write"].write_text(render(), encoding="utf-8")
        elif options["check"]:
            _check(options["check"])
        else:
            self.stdout.write(render(), ending="")


def _check(file: Path) -> None:
    if not file.is_file() or file.read_text(encoding="utf-8") != render():
        raise CommandError(f"{file} is not what the event contract says: `make events-document` renews it.")
