"""Real worker processes for the tests of the keeper."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db import connection

from agents_app import liveness, pool, process_groups
from agents_app.models import Subagent, Worker

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import os, subprocess, sys, django
os.setsid()
django.setup()
from agents_app import liveness
identity = liveness.register(sys.argv[1], ("tools", "exports"))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
print(identity.worker_id, child.pid, flush=True)
sys.stdin.read()
"""


def database_url() -> str:
    """Return the address of the tests' database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    host = database["HOST"].replace("/", "%2F") or "localhost"
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgres://{database['USER']}:{database['PASSWORD']}@{host}{port}/{database['NAME']}"


def start(command: Sequence[str], var: Path, **more: str) -> subprocess.Popen[str]:
    """Start a Python process of the project whose running things are in `var`; `more` is environment."""
    environment = (
        os.environ
        | more
        | {
            "DJANGO_SETTINGS_MODULE": "mcpchat_project.settings",
            "DATABASE_URL": database_url(),
            "MCPCHAT_VAR": str(var),
        }
    )
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def keeper_process(var: Path) -> Iterator[None]:
    """A keeper of the host, without which workers that share a database with other hosts do not begin."""
    process = start(["manage.py", "keeper"], var)
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


class WorkerProcess:
    """A registered process that holds its lock, leads a group and has a child in it."""

    def __init__(self, var: Path, kind: str = "agents") -> None:
        self._process = start(["-c", WORKER, kind], var)
        self.pid = self._process.pid

    def ready(self) -> "WorkerProcess":
        """Wait until it is registered; starting several first saves time."""
        assert self._process.stdout is not None
        worker_id, child = self._process.stdout.readline().split()
        self.worker_id, self.child = UUID(worker_id), int(child)
        return self

    @property
    def row(self) -> Worker | None:
        """Its row, if there is one."""
        return Worker.objects.filter(pk=self.worker_id).first()

    @property
    def lock(self) -> Path:
        """Its lock file."""
        return liveness.lock_path(self.worker_id)

    def take(self, subagent: Subagent) -> Subagent:
        """Let it run an admitted subagent."""
        started = pool.start(subagent.pk, subagent.attempt, self.worker_id)
        assert started is not None
        return started

    def kill(self) -> None:
        """Kill it, and it alone."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End all that is left of it."""
        if process_groups.members(self.pid):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()


StartWorker = Callable[..., WorkerProcess]
