"""The order of a start: lock, port, broker, database, processes, readiness, link. Then watch until told
to stop."""

import os
import sys
import time

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from mcpchat_project.address import LOCK_NAME, Address, listen_address
from mcpchat_project.supervisor import broker, database, readiness
from mcpchat_project.supervisor.errors import StartError
from mcpchat_project.supervisor.exclusive import Lock, check_port
from mcpchat_project.supervisor.processes import Process, processes
from mcpchat_project.supervisor.signals import Signals, StopRequested
from mcpchat_project.supervisor.supervisor import Supervisor
from mcpchat_project.supervisor.terminal import say, take_foreground

READY_SECONDS = 60.0
BROKER_SECONDS = 10.0
POLL_SECONDS = 0.1
SAY_SECONDS = 2.0

# The components of /readyz that have no process of their own name: who knows more about them.
LOGS = {"database": "web", "redis": "web"}


def main() -> int:
    """Run everything until a signal says stop. Return the exit code."""
    signals = Signals()
    give_back = take_foreground()
    try:
        return _locked(signals)
    except (StartError, ImproperlyConfigured, ValueError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"MCP Chat cannot start: {error}", file=sys.stderr)
    finally:
        give_back()
    return 1


def _locked(signals: Signals) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpchat_project.settings")
    lock = Lock(settings.RUN_DIR / LOCK_NAME)
    # After the settings: they read .env, which may hold PORT and HOST.
    address = listen_address()
    lock.take(address.url)
    try:
        check_port(address)
        return _supervised(signals, address)
    finally:
        lock.release()


def _supervised(signals: Signals, address: Address) -> int:
    supervisor = Supervisor(folder=settings.BASE_DIR, log_folder=settings.LOG_DIR, signals=signals, say=say)
    try:
        _start(supervisor, address)
        while not signals.stop_requests:
            supervisor.tend(60.0)
    except StopRequested:
        pass  # It was asked to stop while it started.
    except StartError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    finally:
        if signals.stop_requests:
            say("Stopping")
        supervisor.stop()
        (settings.RUN_DIR / broker.SETTINGS_NAME).unlink(missing_ok=True)
    return 0


def _start(supervisor: Supervisor, address: Address) -> None:
    say(f"Starting MCP Chat (data in {settings.VAR_DIR}, logs in {settings.LOG_DIR})")
    chosen = broker.choose(os.environ, settings.RUN_DIR, settings.VAR_DIR / "valkey")
    supervisor.environment = _environment(address, chosen.url)
    if chosen.process is not None:
        supervisor.start(chosen.process)
    with supervisor.signals.abandoning():
        database.prepare(say)
    if chosen.process is not None:
        _wait_for_broker(supervisor, chosen)
    for process in _processes(address):
        supervisor.start(process)
    _wait_until_ready(supervisor, address)
    with supervisor.signals.abandoning():
        say(f"MCP Chat is ready: {database.login_link(address.url)}")


def _processes(address: Address) -> tuple[Process, ...]:
    return processes(
        address, agents_concurrency=settings.AGENTS_CONCURRENCY, chat_concurrency=settings.CHAT_CONCURRENCY
    )


def _environment(address: Address, redis_url: str) -> dict[str, str]:
    hosts = dict.fromkeys([*settings.ALLOWED_HOSTS, *address.allowed_hosts])
    return {**os.environ, "REDIS_URL": redis_url, "ALLOWED_HOSTS": ",".join(hosts), "PYTHONUNBUFFERED": "1"}


def _wait_for_broker(supervisor: Supervisor, chosen: broker.Broker) -> None:
    deadline = time.monotonic() + BROKER_SECONDS
    while not broker.answers(chosen):
        if time.monotonic() > deadline:
            log = supervisor.log_of("broker")
            raise StartError(f"The message broker does not answer after {BROKER_SECONDS:.0f} s; see {log}")
        _pause(supervisor)


def _wait_until_ready(supervisor: Supervisor, address: Address) -> None:
    """Poll until all components are up. Raises `StartError` that names those which are not."""
    started = said_at = time.monotonic()
    while not (state := _ask(supervisor, address)).complete:
        now = time.monotonic()
        if now - started > READY_SECONDS:
            logs = ", ".join(str(supervisor.log_of(LOGS.get(name, name))) for name in state.missing)
            raise StartError(f"Not ready after {READY_SECONDS:.0f} s: {state}; see {logs}")
        if now - said_at > SAY_SECONDS:
            say(f"Waiting for {state}")
            said_at = now
        _pause(supervisor)


def _ask(supervisor: Supervisor, address: Address) -> readiness.Readiness:
    with supervisor.signals.abandoning():
        return readiness.ask(address)


def _pause(supervisor: Supervisor) -> None:
    """Look after the processes for a moment. Raises `StopRequested`."""
    supervisor.tend(POLL_SECONDS)
    if supervisor.signals.stop_requests:
        raise StopRequested
