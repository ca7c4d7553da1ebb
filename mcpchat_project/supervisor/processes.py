"""The processes of an installation on one machine."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcpchat_project.address import Address

# Celery's soft shutdown (it lets tasks finish for two seconds, then gives them back) listens to SIGQUIT
# only; so told, it takes SIGTERM for it. System checks cost each process half a second; the start runs
# them once for all.
CELERY = {"REMAP_SIGTERM": "SIGQUIT", "CELERY_SKIP_CHECKS": "1"}
APP = ("-A", "mcpchat_project")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")
PYTHON = (sys.executable, "-m")


@dataclass(frozen=True, kw_only=True)
class Process:
    """A program to keep running. Its output goes to a log of its name."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_python(self) -> bool:
        """Whether it is a Python module, which this interpreter could run as well as a new one."""
        return self.command[:2] == PYTHON


def processes(address: Address, *, agents_concurrency: int, chat_concurrency: int) -> tuple[Process, ...]:
    """Return what runs beside the broker, in the order in which it is told to stop."""
    return (
        Process(name="web", command=_web(address)),
        beat(),
        agents("agents", ("tools", "exports", "maintenance"), agents_concurrency),
        chat(chat_concurrency),
        keeper(),
    )


def beat() -> Process:
    """Return what asks for the regular jobs; of several in an installation one sends."""
    return Process(name="beat", command=_celery("beat", "-l", "WARNING", "--pidfile="), environment=CELERY)


def agents(name: str, queues: tuple[str, ...], concurrency: int) -> Process:
    """Return a worker with `concurrency` processes for the subagents of some queues."""
    pool = ("-P", "prefork", "-c", str(concurrency))
    command = _celery("worker", "-n", f"{name}@%h", "-Q", ",".join(queues), *pool, *QUIET)
    return Process(name=name, command=command, environment=CELERY)


def chat(concurrency: int) -> Process:
    """Return a worker that gives `concurrency` answers at once."""
    pool = ("-P", "threads", "-c", str(concurrency), "-I", "agents_app.chat_tasks")
    command = _celery("worker", "-n", "chat@%h", "-Q", "chat", *pool, *QUIET)
    return Process(name="chat", command=command, environment=CELERY)


def keeper() -> Process:
    """Return what watches the workers of a host; a host has one."""
    return Process(name="keeper", command=(*PYTHON, "django", "keeper", "--skip-checks"))


def _web(address: Address) -> tuple[str, ...]:
    where = ("--host", address.host, "--port", str(address.port))
    how = ("--ws", "websockets-sansio", "--no-access-log", "--log-level", "warning")
    # A client says little. Compressing would make each socket's own of what is encoded once for all.
    frames = ("--ws-max-size", "65536", "--ws-per-message-deflate", "false")
    stop = ("--timeout-graceful-shutdown", "2")
    return (*PYTHON, "uvicorn", "mcpchat_project.asgi:application", *where, *how, *frames, *stop)


def _celery(*arguments: str) -> tuple[str, ...]:
    return (*PYTHON, "celery", *APP, *arguments)
