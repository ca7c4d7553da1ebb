"""A git server on the loopback interface, for tests: `git http-backend` behind Python's HTTP server."""

import os
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit

_CHUNK_BYTES = 2048
_AUTHOR = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class GitServer:
    """Serves the repositories below `root` over plain http while it is entered.

    A repository added later is served too. It knows neither settings nor fixtures: list its `host` in
    ALLOWED_GIT_HOSTS.

    `bytes_per_second` slows the fetched packs down; `redirects` maps a repository's name to the address its
    requests are sent to; repositories in `locked` ask for a password; `requests` holds the paths asked for.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bytes_per_second: float | None = None
        self.redirects: dict[str, str] = {}
        self.locked: set[str] = set()
        self.requests: list[str] = []
        self.closing = threading.Event()
        self.first_pack_bytes_sent = threading.Event()

    def __enter__(self) -> Self:
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.server = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Host and port, as they stand in ALLOWED_GIT_HOSTS."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    def url(self, name: str) -> str:
        """Return the address of repository `name`."""
        return f"http://{self.host}/{name}"

    def add(self, name: str, files: Mapping[str, str | bytes]) -> Path:
        """Make a repository `name` with one commit of `files` (content by path); return its folder."""
        folder = self.root / name
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        folder.mkdir(parents=True, exist_ok=True)
        commit_all(folder)
        return folder


def commit_all(folder: Path) -> None:
    """Commit all that is in `folder`, which becomes a repository if it is none."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=All of it")


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in `folder` and return what it prints; raises `CalledProcessError`."""
    environment = {**os.environ, **_AUTHOR}
    command = ["git", "-c", "gc.auto=0", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=stdin, stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode(errors="surrogateescape").strip()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    server: GitServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that are killed in the midst of a clone are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    """Hands each request to `git http-backend` as the CGI specification says."""

    server: _Http

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self) -> None:
        git_server = self.server.server
        git_server.requests.append(self.path)
        name = self.path.split("/")[1]
        if name in git_server.redirects:
            self._short(302, "Location", git_server.redirects[name] + self.path.removeprefix(f"/{name}"))
        elif name in git_server.locked:
            self._short(401, "WWW-Authenticate", 'Basic realm="locked"')
        else:
            self._run_backend(git_server)

    def _short(self, status: int, header: str, value: str) -> None:
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _run_backend(self, git_server: GitServer) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        with subprocess.Popen(
            command, env=self._cgi(git_server), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as backend:
            assert backend.stdin is not None
            assert backend.stdout is not None
            backend.stdin.write(body)
            backend.stdin.close()
            try:
                self._send_headers(backend.stdout)
                self._send_body(backend.stdout, git_server)
            finally:
                backend.kill()

    def _cgi(self, git_server: GitServer) -> dict[str, str]:
        address = urlsplit(self.path)
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(git_server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }

    def _send_headers(self, output: IO[bytes]) -> None:
        lines = [line.decode().strip() for line in iter(output.readline, b"\r\n") if line]
        headers = dict(line.split(": ", 1) for line in lines)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, output: IO[bytes], git_server: GitServer) -> None:
        slow = git_server.bytes_per_second if self.path.endswith("git-upload-pack") else None
        while chunk := output.read(_CHUNK_BYTES):
            self.wfile.write(chunk)
            if self.command == "POST":
                git_server.first_pack_bytes_sent.set()
            if slow and git_server.closing.wait(len(chunk) / slow):
                return
