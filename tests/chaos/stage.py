"""Where a chaos run plays: an installation on a private database, its observer, Django on the same data."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

from mcpchat_project.supervisor.linux import dying_with_parent
from tests.chaos import ledger
from tests.chaos.kinds import IDLE_TIMEOUT_SECONDS
from tests.chaos.ledger import FOLDER
from tests.installation import ROOT, Installation
from tests.postgres import Postgres, Unavailable

CAPS = {"tools": 6, "exports": 3}
HIGHEST_CAP = 8
QUEUE_LIMIT = 100


@contextmanager
def database(wanted: str, address: str) -> Iterator[dict[str, str]]:
    """Yield what names a new database to the installation: at `address` if given, else of its own.

    `wanted` is sqlite, postgres, or empty for postgres where it is installed. Raises `Unavailable`.
    """
    if address:
        yield {"DATABASE_URL": address}
    elif wanted == "sqlite":
        yield {}
    else:
        with ExitStack() as stack:
            yield _postgres(stack, required=wanted == "postgres")


def _postgres(stack: ExitStack, *, required: bool) -> dict[str, str]:
    try:
        cluster = stack.enter_context(Postgres())
    except Unavailable as reason:
        if required:
            raise
        print(f"On SQLite: {reason}", flush=True)
        return {}
    return {"DATABASE_URL": cluster.new_database()}


@contextmanager
def installation(folder: Path, named_database: dict[str, str]) -> Iterator[Installation]:
    """Run an installation with the harness' tools, watched by an observer; the harness' Django joins it."""
    ledger.prepare(folder)
    environment = {
        **named_database,
        FOLDER: str(folder),
        "MCPCHAT_TOOL_MODULES": "tests.chaos.tools",
        "AGENTS_CONCURRENCY": str(HIGHEST_CAP + CAPS["exports"] + 1),
        "LOG_LEVEL": "WARNING",
    }
    with Installation(folder / "var", environment) as running, _observer(folder):
        join(running, folder)
        yield running


def set_up_pools() -> None:
    """Give the pools the caps and limits of a run."""
    from agents_app import gateway

    limits = {"queue_limit": QUEUE_LIMIT, "idle_timeout_seconds": IDLE_TIMEOUT_SECONDS}
    for name, cap in CAPS.items():
        gateway.change_pool(name, {"cap": cap, **limits})


def join(running: Installation, folder: Path) -> None:
    """Set up Django in this process on the installation's data, quietly."""
    os.environ.pop("DATABASE_URL", None)
    os.environ |= running.environment | {"REDIS_URL": running.broker_address()}
    os.environ["DJANGO_SETTINGS_MODULE"] = "mcpchat_project.settings"
    django.setup()
    logging.getLogger().handlers = [logging.FileHandler(folder / "harness.log")]


@contextmanager
def _observer(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.chaos.observer", str(folder)]
    process = subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, preexec_fn=dying_with_parent(), stdin=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
