"""A broker, a database and workers of a benchmark's own, started and stopped around it."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from mcpchat_project.supervisor.linux import dying_with_parent
from mcpchat_project.supervisor.processes import CELERY, Process, agents, keeper
from tests.broker import start_broker
from tests.postgres import Postgres, free_port

ROOT = Path(__file__).resolve().parent.parent
CONCURRENCY = 3
STOP_SECONDS = 10


class Installation:
    """An empty installation on `database` (sqlite or postgres), in a temporary folder; gone at the end."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="mcpchat-bench-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self.folder = folder
            self.environment = self._environment(folder, stack)
            self._cleanup = stack.pop_all()
        self.run("manage.py", "migrate", "--verbosity", "0")
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def start_agents(self) -> None:
        """Start an agents worker with `CONCURRENCY` children and the host's keeper."""
        self._start(agents("agents", ("tools",), CONCURRENCY))
        self._start(keeper())

    def start_raw_celery(self) -> None:
        """Start a plain Celery worker with as many children, on the same broker, for the baseline."""
        pool = ("-P", "prefork", "-c", str(CONCURRENCY))
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")
        command = (sys.executable, "-m", "celery", "-A", "benchmarks.raw_celery", "worker", *pool, *quiet)
        self._start(Process(name="raw", command=command, environment=CELERY))

    def run(self, *arguments: str) -> None:
        """Run a Python program of the project in this installation and wait for its end."""
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.environment, check=True)

    def _environment(self, folder: Path, stack: ExitStack) -> Mapping[str, str]:
        port = free_port()
        broker = start_broker(port, folder)
        stack.callback(end, broker)
        own = {
            "DJANGO_SETTINGS_MODULE": "mcpchat_project.settings",
            "MCPCHAT_VAR": str(folder / "var"),
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "MCPCHAT_TOOL_MODULES": "benchmarks.work",
            "BENCH_LEDGER": str(folder / "ledger"),
            "CELERY_SKIP_CHECKS": "1",
        }
        if self._database == "postgres":
            own["DATABASE_URL"] = stack.enter_context(Postgres()).new_database()
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        return inherited | own

    def _start(self, process: Process) -> None:
        with (self.folder / f"{process.name}.log").open("ab") as log:
            started = subprocess.Popen(
                process.command,
                cwd=ROOT,
                env={**self.environment, **process.environment},
                stdout=log,
                stderr=log,
                preexec_fn=dying_with_parent(),
            )
        self._cleanup.callback(end, started)


def end(process: subprocess.Popen[Any]) -> None:
    """Stop a process: first by SIGTERM, in the end by SIGKILL."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
