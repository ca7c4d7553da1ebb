"""`manage.py import_mcp_servers`: the servers of a desktop client's configuration, for everybody."""

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents_app.mcp_servers import importing
from agents_app.mcp_servers.importing import Imported
from sessions_app.errors import Refusal


class Command(BaseCommand):
    """Import `mcpServers` JSON; prints a line for each server."""

    help = (
        "Add or change the MCP servers that a file with mcpServers JSON names (- reads standard input); "
        "without a file those of MCPCHAT_MCP_CONFIG, if that is set. "
        "${NAME} in it is taken from the environment. "
        "Exit 1 if a server is refused; with --lenient that is only told."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and --lenient."""
        parser.add_argument("file", nargs="?", default="", help="a path, or -")
        parser.add_argument("--lenient", action="store_true", help="succeed although servers are refused")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import; raises `CommandError` for what cannot be read."""
        source = options["file"] or settings.MCP_CONFIG
        if not source:
            return
        try:
            servers = importing.parse(_read(source))
        except Refusal as refusal:
            raise CommandError(f"{source}: {refusal.detail}") from None
        answers = importing.take(servers, by=None, owner=None, environment=os.environ)
        for answer in answers:
            self.stdout.write(_line(answer))
        if not options["lenient"] and any(answer["outcome"] == "refused" for answer in answers):
            raise CommandError("Not every server was taken.")


def _line(answer: Imported) -> str:
    line = f"{answer['name']}: {answer['outcome']}"
    if answer["reason"]:
        line += f" ({answer['code']}): {answer['reason']}"
    return f"{line} (ignored: {', '.join(answer['ignored'])})" if answer["ignored"] else line


def _read(source: str) -> str:
    """Return the text of a file, not more of it than is taken anyway. Raises `CommandError`."""
    limit = importing.TEXT_MAX_BYTES + 1
    try:
        if source == "-":
            return sys.stdin.read(limit)
        with Path(source).expanduser().open(encoding="utf-8") as file:
            return file.read(limit)
    except (OSError, ValueError) as error:
        raise CommandError(f"{source} cannot be read: {error}") from None
