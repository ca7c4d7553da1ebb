"""One installation for each data folder, on a port that nobody else has."""

import errno
import fcntl
import os
import socket
from pathlib import Path

from mcpchat_project.address import Address
from mcpchat_project.supervisor.errors import StartError


class Lock:
    """The right to run on a data folder. The file says who has it: a process id and an address."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, url: str) -> None:
        """Take the lock. Raises `StartError` if another process has it."""
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                raise StartError(f"MCP Chat already runs on this data{self._holder()}.") from None
            if self._is_current(file):
                break
            os.close(file)  # It was removed by one that stopped just now.
        os.truncate(file, 0)
        os.write(file, f"{os.getpid()} {url}\n".encode())
        self._file = file

    def release(self) -> None:
        """Give the lock back and remove its file, in this order to others: nobody can lock what is gone."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def _holder(self) -> str:
        try:
            pid, url = self._path.read_text().split()
        except (OSError, ValueError):
            return ""
        return f" (process {pid}, {url})"

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), os.stat(self._path))
        except FileNotFoundError:
            return False


def check_port(address: Address) -> None:
    """Raise `StartError` unless the address can be listened on now."""
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise StartError(
            f"HOST={address.host} is not an address of this machine: {error.strerror}."
        ) from error
    problems = [problem for family, *_, name in found if (problem := _problem(family, name))]
    taken = [problem for problem in problems if problem.errno == errno.EADDRINUSE]
    if taken:
        another = address.port + 1 if address.port < 65535 else 8000
        raise StartError(f"Port {address.port} is taken by another program; try: make run PORT={another}")
    # A name like localhost stands for several addresses; one that this machine lacks does no harm.
    if len(problems) == len(found):
        where = f"{address.host} port {address.port}"
        raise StartError(f"MCP Chat cannot listen on {where}: {problems[0].strerror}.")


def _problem(family: int, name: tuple[object, ...]) -> OSError | None:
    """Return what keeps a server from listening there. The options are those of the web server."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(name)
            probe.listen()
    except OSError as error:
        return error
    return None
