"""A server that speaks S3, in a thread of the tests', and a line to it that counts, breaks and is cut."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "exports"
_KEYS = {"access_key": "key", "secret_key": "secret", "region_name": "us-east-1"}


class Line(socketserver.ThreadingTCPServer):
    """Passes connections on to `target`, a host and a port; `came` counts the bytes that came back.

    Each connection of the next `cuts` ones breaks after `cut_after` bytes, once it has brought so many.
    """

    daemon_threads = True

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = target
        self.came = self.cuts = 0
        self.cut_after = 64 * 1024
        self.is_cut = False

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(socketserver.BaseRequestHandler):
    server: Line

    def handle(self) -> None:
        """Pass one connection on, in both directions."""
        if self.server.is_cut:
            return
        with socket.create_connection(self.server.target) as far:
            threading.Thread(target=self._send, args=(far,), daemon=True).start()
            with suppress(OSError):
                self._receive(far)
            # Whoever sends waits for this end.
            for end in (far, self.request):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _send(self, far: socket.socket) -> None:
        with suppress(OSError):
            while piece := self.request.recv(64 * 1024):
                far.sendall(piece)
            far.shutdown(socket.SHUT_WR)

    def _receive(self, far: socket.socket) -> None:
        brought = 0
        while piece := far.recv(16 * 1024):
            self.request.sendall(piece)
            brought += len(piece)
            self.server.came += len(piece)
            if self.server.cuts and brought >= self.server.cut_after:
                self.server.cuts -= 1
                return


@contextmanager
def s3_server() -> Iterator[str]:
    """Run a server with an empty bucket; provides its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        server.stop()


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    """Lay a line to a server."""
    far = urlsplit(url)
    with Line((str(far.hostname), int(far.port or 80))) as line:
        threading.Thread(target=line.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield line
        line.shutdown()


def storage_at(url: str) -> dict[str, Any]:
    """Return the entry of `STORAGES` for the bucket there."""
    options = {"bucket_name": BUCKET, "endpoint_url": url, "location": "chat", "answer_seconds": 2, **_KEYS}
    return {"BACKEND": "exports_app.s3.S3Storage", "OPTIONS": options}
