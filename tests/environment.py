"""Loaded before Django's settings (see `addopts`): a data folder, a real broker and, with DATABASE=postgres,
a real PostgreSQL of the tests' own."""

import atexit
import os
import secrets
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.broker import start_broker
from tests.postgres import Postgres, Unavailable, free_port

__all__ = ["POSTGRES", "database_environment", "free_port", "start_broker"]

DATABASES = ("sqlite", "postgres")


def database_environment() -> dict[str, str]:
    """Return what names a new, empty database to an installation; nothing where it makes its own."""
    return {} if POSTGRES is None else {"DATABASE_URL": POSTGRES.new_database()}


def pytest_configure(config: pytest.Config) -> None:
    """Leave the tests' database where it is: its whole cluster goes, whoever is still connected."""
    if POSTGRES is not None:
        config.option.reuse_db = True


def pytest_report_header(config: pytest.Config) -> str:
    """Say on which database the tests run."""
    return f"database: {'sqlite' if POSTGRES is None else 'postgres'}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started and remove the folder."""
    _cleanup.close()


def _start_postgres() -> Postgres | None:
    """Start the database that DATABASE asks for; a wrong value or missing programs end the run."""
    wanted = os.environ.get("DATABASE") or DATABASES[0]
    if wanted not in DATABASES:
        sys.exit(f"DATABASE must be sqlite or postgres, not {wanted!r}.")
    if wanted == "sqlite":
        return None
    try:
        return _cleanup.enter_context(Postgres())
    except Unavailable as reason:
        sys.exit(str(reason))


def _start_all() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mcpchat-test-"))
    _cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
    port = free_port()
    broker = start_broker(port, folder)
    _cleanup.callback(broker.wait)
    _cleanup.callback(broker.kill)
    os.environ.pop("DATABASE_URL", None)
    if POSTGRES is not None:
        os.environ["DATABASE_URL"] = POSTGRES.url("mcpchat")
    os.environ["MCPCHAT_VAR"] = str(folder / "var")
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    os.environ["SECRET_KEY"] = secrets.token_urlsafe(48)
    os.environ["MCPCHAT_TOOL_MODULES"] = "tests.probe_tools"
    os.environ["MCPCHAT_MODEL"] = "demo"
    os.environ["PACKAGE_REGISTRIES"] = "off"


_cleanup = ExitStack()
atexit.register(_cleanup.close)
POSTGRES = _start_postgres()
_start_all()
