"""Brings the database up to date and asks it for the first login link, inside this process: another
interpreter would cost a second of every start."""

import io
from collections.abc import Callable

import django
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor

from mcpchat_project.supervisor.errors import StartError


def prepare(say: Callable[[str], None]) -> None:
    """Migrate if anything is to migrate, make the first user if there is none, take the MCP servers that the
    environment names. Raises `StartError`."""
    django.setup()
    try:
        if _outdated():
            say("Preparing the database")
            call_command("migrate", verbosity=0, interactive=False)
        call_command("first_user", stdout=io.StringIO())
        _import_mcp_servers(say)
    except CommandError as error:
        raise StartError(f"MCP Chat cannot start: {error}") from error
    except (DatabaseError, MigrationSchemaMissing) as error:
        # Drivers explain in several lines.
        raise StartError(f"The database cannot be used: {' '.join(str(error).split())}") from error
    finally:
        # The link is asked for seconds later; an open transaction or lock must not stay until then.
        connection.close()


def _import_mcp_servers(say: Callable[[str], None]) -> None:
    """Take the servers of MCPCHAT_MCP_CONFIG and say what was new or refused. Raises `CommandError`."""
    printed = io.StringIO()
    call_command("import_mcp_servers", lenient=True, stdout=printed)
    for line in printed.getvalue().splitlines():
        if not line.endswith(": unchanged"):
            say(f"MCP server {line}")


def login_link(url: str) -> str:
    """Return a new one-time login link of the first administrator. Raises `StartError`."""
    printed = io.StringIO()
    try:
        call_command("login_link", url=url, stdout=printed)
    except (DatabaseError, CommandError) as error:
        raise StartError(f"There is no login link: {error}") from error
    finally:
        connection.close()
    return printed.getvalue().strip()


def check(say: Callable[[str], None]) -> None:
    """Run the system checks, once for all processes, and say what they find."""
    for message in run_checks():
        say(str(message))


def _outdated() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
