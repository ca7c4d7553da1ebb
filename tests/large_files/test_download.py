"""Downloads: only from public addresses, each redirect looked at, never more than the limit."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agents_app.context import Stopped, ToolError
from agents_app.large_files import address, download
from sessions_app.errors import Refusal
from tests.large_files.conftest import Process
from tests.recording import RecordingContext, child_processes

TABLE = b"a,b\n" + b"1,2\n" * 200_000


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {
            "/x.csv": self._table,
            "/short": self._short,
            "/endless": self._endless,
            "/loop": self._loop,
        }
        answer = answers.get(self.path)
        if answer is not None:
            answer()
        elif self.path.startswith("/to?"):
            self._redirect(self.path[4:])
        else:
            self.send_error(404)

    def _table(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(TABLE)))
        self.end_headers()
        self.wfile.write(TABLE)

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(TABLE) + 1))
        self.end_headers()
        self.wfile.write(TABLE)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(TABLE)
        except OSError:
            return

    def _loop(self) -> None:
        self._redirect("/loop")

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(settings: Any) -> Iterator[str]:
    """A server whose host is allowed; its address."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    host = f"127.0.0.1:{running.server_port}"
    settings.ALLOWED_FILE_HOSTS = [host]
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://{host}"
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_download_is_processed_and_its_progress_told(
    process: Process, server: str, context: RecordingContext
) -> None:
    result = process(url=f"{server}/x.csv", operation="summary")
    assert result.data["table"]["rows"] == 200_000
    assert result.data["origin"] == f"{server}/x.csv"
    assert "receiving" in {stage for _percent, stage, _left in context.told}


def test_a_redirect_is_followed(process: Process, server: str) -> None:
    assert process(url=f"{server}/to?/x.csv", operation="count").data["lines"] == 200_001


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/missing", "url_failed"),
        ("/short", "url_unreachable"),
        ("/loop", "url_refused"),
        ("/to?http://127.0.0.1:1/", "url_refused"),
        ("/to?https://10.0.0.1/", "url_refused"),
        ("/to?https://[::1]/", "url_refused"),
        ("/to?https://169.254.169.254/latest/", "url_refused"),
        ("/to?file:///etc/passwd", "url_refused"),
        ("/to?https://0x7f000001/", "url_refused"),
    ],
)
def test_what_cannot_or_must_not_be_fetched_says_why(
    process: Process, server: str, path: str, code: str
) -> None:
    with pytest.raises(ToolError) as error:
        process(url=f"{server}{path}", operation="count")
    assert error.value.code == code


@pytest.mark.parametrize("path", ["/x.csv", "/endless"])
def test_more_than_the_limit_is_not_fetched(process: Process, server: str, settings: Any, path: str) -> None:
    settings.LARGE_FILE_MAX_BYTES = 500_000
    with pytest.raises(ToolError) as error:
        process(url=f"{server}{path}", operation="count")
    assert error.value.code == "file_too_large"


def test_a_download_is_cancelled(process: Process, server: str, context: RecordingContext) -> None:
    before = child_processes()
    context.stop_when = lambda percent, stage: stage == "receiving" and percent > 0
    with pytest.raises(Stopped):
        process(url=f"{server}/endless", operation="count")
    assert child_processes() == before


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://localhost/x", "https://[fd00::1]/x", "http://example.org/x"]
)
def test_private_addresses_and_plain_http_are_refused(process: Process, url: str) -> None:
    with pytest.raises(ToolError) as error:
        process(url=url, operation="count")
    assert error.value.code == "url_refused"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/x", "https://", "https://user:key@example.org/x",
        "https://a b/",
        "https://2130706433/", "https://example.org:99999/", "https://example.org/x\r\nHost: y", "https://[::1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(Refusal) as refusal:
        address.parse(url)
    assert refusal.value.code == "url_refused"


def test_keys_in_an_address_are_not_shown() -> None:
    assert address.parse("https://example.org/x.csv?key=1").shown == "https://example.org/x.csv"


def test_a_server_without_a_certificate_is_not_reached(server: str, context: RecordingContext) -> None:
    where = address.parse(server.replace("http://", "https://") + "/x.csv")
    with pytest.raises(ToolError) as error:
        download.fetch(context, _stage(context), where, 10**9)
    assert error.value.code == "url_unreachable"


def _stage(context: RecordingContext) -> Any:
    from agents_app.stages import Stage

    return Stage(context, "receiving", 0.0, 30.0)
