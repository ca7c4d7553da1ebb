import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from mcpchat_project.address import Address
from mcpchat_project.supervisor import readiness
from mcpchat_project.supervisor.broker import free_port

Serve = Callable[[int, bytes], Address]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a web server with one answer to everything."""
    with ExitStack() as stack:

        def start(status: int, body: bytes) -> Address:
            class Answer(http.server.BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: object) -> None:
                    """Say nothing."""

            server = stack.enter_context(http.server.HTTPServer(("127.0.0.1", 0), Answer))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return Address(host="127.0.0.1", port=server.server_address[1])

        yield start


def test_200_means_ready(serve: Serve) -> None:
    assert readiness.ask(serve(200, b"{}")).complete


def test_what_is_not_up_is_named_with_its_reason(serve: Serve) -> None:
    components = {
        "database": {"ok": True, "reason": ""},
        "chat": {"ok": False, "reason": "No chat process is alive."},
        "beat": {"ok": False, "reason": ""},
    }
    state = readiness.ask(serve(503, json.dumps({"components": components}).encode()))
    assert not state.complete
    assert str(state) == "chat (No chat process is alive.), beat"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"components": {"web": 3}}', b'{"components": {}}'])
def test_an_answer_that_makes_no_sense_means_that_the_web_process_is_not_ready(
    serve: Serve, body: bytes
) -> None:
    assert str(readiness.ask(serve(500, body))) == "web (HTTP status 500)"


def test_no_answer_means_that_the_web_process_is_not_ready() -> None:
    state = readiness.ask(Address(host="127.0.0.1", port=free_port()))
    assert str(state) == "web (no answer yet)"
