"""The order of a start: lock, port, broker, database, processes, readiness, link. Then watch until told
to stop."""

import os
import runpy
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from mcpchat_project.address import LOCK_NAME, Address, listen_address
from mcpchat_project.supervisor import broker, database, linux, readiness
from mcpchat_project.supervisor.child import Forked
from mcpchat_project.supervisor.errors import StartError
from mcpchat_project.supervisor.exclusive import Lock, check_port
from mcpchat_project.supervisor.processes import Process, processes
from mcpchat_project.supervisor.signals import Signals, StopRequested
from mcpchat_project.supervisor.supervisor import Supervisor
from mcpchat_project.supervisor.terminal import say, take_foreground

ROOT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 60.0
BROKER_SECONDS = 10.0
POLL_SECONDS = 0.1
FIRST_LINE_SECONDS = 2.0
NEXT_LINE_SECONDS = 1.0

# The components of /readyz that have no process of their own name: who knows more about them.
LOGS = {"database": "web", "redis": "web"}


def main() -> int:
    """Run everything until a signal says stop. Return the exit code."""
    with ExitStack() as cleanup:
        try:
            return _run(cleanup)
        except Forked as forked:
            # What is to be undone at the end is the supervisor's business, not this copy's.
            cleanup.pop_all()
            process = forked.process
        except StopRequested:
            return 0
        except (StartError, ImproperlyConfigured, ValueError) as error:
            print(error, file=sys.stderr, flush=True)
            return 1
        except OSError as error:
            print(f"MCP Chat cannot start: {error}", file=sys.stderr, flush=True)
            return 1
    return _become(process)


def _become(process: Process) -> int:
    """Run the process's module as its own command would; leave by the ordinary end of the interpreter."""
    # The lock, the pipe of signals: nothing of the supervisor's stays open here.
    linux.let_go_of_files()
    linux.show_as(" ".join(process.command[2:]))
    os.environ.update(process.environment)
    module, *sys.argv[1:] = process.command[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _run(cleanup: ExitStack) -> int:
    signals = Signals()
    cleanup.callback(take_foreground())
    chosen = _choose_broker()
    lock = Lock(settings.RUN_DIR / LOCK_NAME)
    address = listen_address()
    lock.take(address.url)
    cleanup.callback(lock.release)
    check_port(address)
    supervisor = Supervisor(folder=ROOT, log_folder=settings.LOG_DIR, signals=signals, say=say)
    cleanup.callback(_stop, supervisor)
    _start(supervisor, address, chosen, cleanup)
    while not signals.stop_requests:
        supervisor.tend(60.0)
    return 0


def _stop(supervisor: Supervisor) -> None:
    if supervisor.signals.stop_requests:
        say("Stopping")
    supervisor.stop()
    # All processes are dead, killed ones too: their rows say so to the next keeper, the files need not.
    for path in settings.LOCK_DIR.iterdir():
        path.unlink(missing_ok=True)


def _choose_broker() -> broker.Broker:
    """Choose it before the settings are read: this process is where the others come from.

    The settings read .env themselves; here it may name REDIS_URL.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpchat_project.settings")
    if (ROOT / ".env").is_file():
        Env.read_env(str(ROOT / ".env"))
    chosen = broker.choose(os.environ)
    os.environ["REDIS_URL"] = chosen.url
    return chosen


def _start(supervisor: Supervisor, address: Address, chosen: broker.Broker, cleanup: ExitStack) -> None:
    say(f"Starting MCP Chat (data in {settings.VAR_DIR}, logs in {settings.LOG_DIR})")
    _allow_hosts(address)
    if chosen.program:
        cleanup.callback(broker.forget, settings.RUN_DIR)
        supervisor.start(broker.prepare(chosen, settings.RUN_DIR, settings.VAR_DIR / "valkey"))
    with supervisor.signals.abandoning():
        database.prepare(say)
    if chosen.program:
        _wait_for_broker(supervisor, chosen)
    for process in _processes(address):
        supervisor.start(process, forked=linux.AVAILABLE and process.is_python)
    _wait_until_ready(supervisor, address)
    with supervisor.signals.abandoning():
        say(f"MCP Chat is ready: {database.login_link(address.url)}")
        database.check(say)


def _allow_hosts(address: Address) -> None:
    settings.ALLOWED_HOSTS[:] = dict.fromkeys([*settings.ALLOWED_HOSTS, *address.allowed_hosts])
    os.environ["ALLOWED_HOSTS"] = ",".join(settings.ALLOWED_HOSTS)


def _processes(address: Address) -> tuple[Process, ...]:
    return processes(
        address, agents_concurrency=settings.AGENTS_CONCURRENCY, chat_concurrency=settings.CHAT_CONCURRENCY
    )


def _wait_for_broker(supervisor: Supervisor, chosen: broker.Broker) -> None:
    deadline = time.monotonic() + BROKER_SECONDS
    while not broker.answers(chosen):
        if time.monotonic() > deadline:
            log = supervisor.log_of("broker")
            raise StartError(f"The message broker does not answer after {BROKER_SECONDS:.0f} s; see {log}")
        _pause(supervisor)


def _wait_until_ready(supervisor: Supervisor, address: Address) -> None:
    """Poll until all components are up. Raises `StartError` that names those which are not."""
    started = time.monotonic()
    say_at, said = started + FIRST_LINE_SECONDS, ""
    while not (state := _ask(supervisor, address)).complete:
        now = time.monotonic()
        if now - started > READY_SECONDS:
            logs = ", ".join(str(supervisor.log_of(LOGS.get(name, name))) for name in state.missing)
            raise StartError(f"Not ready after {READY_SECONDS:.0f} s: {state}; see {logs}")
        if now > say_at and str(state) != said:
            say(f"Waiting for {state}")
            say_at, said = now + NEXT_LINE_SECONDS, str(state)
        _pause(supervisor)


def _ask(supervisor: Supervisor, address: Address) -> readiness.Readiness:
    with supervisor.signals.abandoning():
        return readiness.ask(address)


def _pause(supervisor: Supervisor) -> None:
    """Look after the processes for a moment. Raises `StopRequested`."""
    supervisor.tend(POLL_SECONDS)
    if supervisor.signals.stop_requests:
        raise StopRequested
