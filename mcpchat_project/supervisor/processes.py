"""The processes of an installation on one machine."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcpchat_project.address import Address

# Celery's soft shutdown (it lets tasks finish for two seconds, then gives them back) listens to SIGQUIT
# only; so told, it takes SIGTERM for it.
SOFT_SHUTDOWN = {"REMAP_SIGTERM": "SIGQUIT"}
CELERY = (sys.executable, "-m", "celery", "-A", "mcpchat_project")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")


@dataclass(frozen=True, kw_only=True)
class Process:
    """A program to keep running. Its output goes to a log of its name."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def processes(address: Address, *, agents_concurrency: int, chat_concurrency: int) -> tuple[Process, ...]:
    """Return what runs beside the broker, in the order in which it is told to stop."""
    return (
        Process(name="web", command=_web(address)),
        Process(name="beat", command=(*CELERY, "beat", "-l", "WARNING", "--pidfile=")),
        Process(name="agents", command=_agents(agents_concurrency), environment=SOFT_SHUTDOWN),
        Process(name="chat", command=_chat(chat_concurrency), environment=SOFT_SHUTDOWN),
        Process(name="keeper", command=(sys.executable, "manage.py", "keeper")),
    )


def _web(address: Address) -> tuple[str, ...]:
    where = ("--host", address.host, "--port", str(address.port))
    how = ("--ws", "websockets-sansio", "--no-access-log", "--log-level", "warning")
    stop = ("--timeout-graceful-shutdown", "2")
    return (sys.executable, "-m", "uvicorn", "mcpchat_project.asgi:application", *where, *how, *stop)


def _agents(concurrency: int) -> tuple[str, ...]:
    pool = ("-P", "prefork", "-c", str(concurrency))
    return (*CELERY, "worker", "-n", "agents@%h", "-Q", "tools,exports,maintenance", *pool, *QUIET)


def _chat(concurrency: int) -> tuple[str, ...]:
    pool = ("-P", "threads", "-c", str(concurrency), "-I", "agents_app.chat_tasks")
    return (*CELERY, "worker", "-n", "chat@%h", "-Q", "chat", *pool, *QUIET)
