"""A private PostgreSQL for tests: a cluster of its own on a free loopback port, gone with whoever started it.

It does not survive a power cut (fsync is off) and never needs to.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psycopg

from mcpchat_project.supervisor.linux import dying_with_parent

USER = "mcpchat"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
CONNECTIONS = 100  # What a PostgreSQL has that nobody configured: a leak shows here, too.
# PostgreSQL refuses to run as root; these accounts are there on any system that has it.
ACCOUNTS = ("postgres", "nobody")
# The places where Debian, Ubuntu and Homebrew put programs that are not on the PATH.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
NOWHERE = (
    "DATABASE=postgres needs the programs of a PostgreSQL server (initdb, postgres), and they are not here. "
    "Install them (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql)."
)
DURABILITY = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class Unavailable(Exception):
    """There is no PostgreSQL to start here; the text is a sentence for people."""


class Postgres:
    """A cluster in a temporary folder. `start` it, then take databases from it, then `stop` it.

    Its one user is `USER` with `password`; it listens on `port` of 127.0.0.1.
    """

    def __init__(self) -> None:
        self._initdb, self._postgres = program("initdb"), program("postgres")
        self._account = _account()
        self._folder = Path(tempfile.mkdtemp(prefix="mcpchat-postgres-"))
        self.password = secrets.token_hex(16)
        self._server: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the cluster and wait until it takes connections. Raises `RuntimeError` with its log."""
        if self._account:
            shutil.chown(self._folder, self._account, _group(self._account))
        self._make_cluster()
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [self._postgres, "-D", str(self._data), *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=dying_with_parent(),
                **self._identity(),
            )
        self._wait()

    def stop(self) -> None:
        """End it, whoever is connected, and remove its folder."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(0.2)
            except subprocess.TimeoutExpired:
                self._server.send_signal(2)  # SIGINT is its fast shutdown: it does not wait for clients.
                self._server.wait(STOP_SECONDS)
            self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self, name: str = "") -> str:
        """Make an empty database, of a random name if none is given, and return its address."""
        name = name or f"mcpchat_{secrets.token_hex(6)}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def connections(self, database: str) -> int:
        """Return how many clients are connected to a database."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        with self.connect() as connection:
            row = connection.execute(query, [database]).fetchone()
        return int(row[0]) if row else 0

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a connection to the server's own database. Raises `psycopg.OperationalError`."""
        return psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5)

    def url(self, database: str) -> str:
        """Return the address of a database, as DATABASE_URL takes it."""
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make_cluster(self) -> None:
        password = self._folder / "password"
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.password)
        if self._account:
            shutil.chown(password, self._account)
        how = ("-U", USER, f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
        command = [self._initdb, "-D", str(self._data), *how, "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._identity())
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def _options(self) -> tuple[str, ...]:
        where = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}")
        alone = ("-c", "unix_socket_directories=", "-c", f"max_connections={CONNECTIONS}")
        return (*where, *alone, *DURABILITY)

    def _identity(self) -> dict[str, Any]:
        """Return the arguments of a child process that runs as another user, if this one is root."""
        if not self._account:
            return {"cwd": self._folder}
        return {
            "cwd": self._folder,
            "user": self._account,
            "group": _group(self._account),
            "extra_groups": [],
        }

    def _wait(self) -> None:
        assert self._server is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        said = (self._folder / "log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start within {START_SECONDS:.0f} s: {said}")


def program(name: str) -> str:
    """Return the newest installed program of that name. Raises `Unavailable`."""
    if found := shutil.which(name):
        return str(Path(found).resolve())
    found_elsewhere = [
        path for folder in FOLDERS for path in Path("/").glob(f"{folder.lstrip('/')}/{name}") if path.exists()
    ]
    if not found_elsewhere:
        raise Unavailable(NOWHERE)
    return str(max(found_elsewhere, key=_version))


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _version(path: Path) -> int:
    digits = "".join(letter for letter in str(path.parent) if letter.isdigit())
    return int(digits or 0)


def _account() -> str:
    """Return the account to run as, nothing if it is our own."""
    if os.geteuid() != 0:
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ACCOUNTS if name in known), "nobody")


def _group(account: str) -> int:
    return pwd.getpwnam(account).pw_gid
