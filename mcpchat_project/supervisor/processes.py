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
        Process(name="beat", command=_celery("beat", "-l", "WARNING", "--pidfile="), environment=CELERY),
        Process(name="agents", command=_agents(agents_concurrency), environment=CELERY),
        Process(name="chat", command=_chat(chat_concurrency), environment=CELERY),
        Process(name="keeper", command=(*PYTHON, "django", "keeper", "--skip-checks")),
    )


def _web(address: Address) -> tuple[str, ...]:
    where = ("--host", address.host, "--port", str(address.port))
    how = ("--ws", "websockets-sansio", "--no-access-log", "--log-level", "warning")
    stop = ("--timeout-graceful-shutdown", "2")
    return (*PYTHON, "uvicorn", "mcpchat_project.asgi:application", *where, *how, *stop)


def _agents(concurrency: int) -> tuple[str, ...]:
    pool = ("-P", "prefork", "-c", str(concurrency))
    return _celery("worker", "-n", "agents@%h", "-Q", "tools,exports,maintenance", *pool, *QUIET)


def _chat(concurrency: int) -> tuple[str, ...]:
    pool = ("-P", "threads", "-c", str(concurrency), "-I", "agents_app.chat_tasks")
    return _celery("worker", "-n", "chat@%h", "-Q", "chat", *pool, *QUIET)


def _celery(*arguments: str) -> tuple[str, ...]:
    return (*PYTHON, "celery", *APP, *arguments)
