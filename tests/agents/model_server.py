"""A small server that speaks the OpenAI chat API over loopback and answers as scripted."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Chunk = dict[str, Any]
Answer = Sequence[Chunk | None]


def says(*words: str) -> list[Chunk]:
    """An answer of text, a chunk a word."""
    return [_chunk({"role": "assistant", "content": word}) for word in words] + [_chunk({}, "stop")]


def calls(*wanted: tuple[str, str, str]) -> list[Chunk]:
    """An answer that calls tools, each (call id, tool name, arguments as JSON text)."""
    entries = [
        {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": text}}
        for index, (call_id, name, text) in enumerate(wanted)
    ]
    return [_chunk({"role": "assistant", "tool_calls": entries}), _chunk({}, "tool_calls")]


def _chunk(delta: dict[str, Any], reason: str | None = None) -> Chunk:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


@dataclass(frozen=True)
class Fails:
    """An HTTP error as providers send it."""

    status: int
    message: str = "no"
    type: str = ""
    code: str = ""
    retry_after: str = ""

    def body(self) -> bytes:
        """Return the problem as OpenAI words it; Anthropic's is a superset."""
        error = {"message": self.message, "type": self.type or None, "code": self.code or None}
        return json.dumps({"type": "error", "error": error}).encode()


@dataclass(frozen=True)
class Cut:
    """An answer whose connection breaks after these chunks."""

    chunks: Sequence[Chunk]


class ModelServer:
    """Gives the answers in order, the last one again and again; keeps what it was asked.

    An answer that is a number is an HTTP error; None is an answer, or a rest of one, that never comes.
    """

    titles: Answer | None = None
    """Given to requests for a title, if set; they are not among those kept then."""

    models: tuple[str, ...] = ("model-b", "model-a")

    def __init__(self, *answers: Answer | Fails | Cut | int | None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self._answers = list(answers)
        self._over = threading.Event()
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if model.titles is not None and "tools" not in body:
                    model.give(self, model.titles)
                    return
                model.keys.append(self.headers.get("Authorization") or self.headers.get("x-api-key") or "")
                model.asked.append(body)
                model.answer(self)

            def do_GET(self) -> None:
                model.keys.append(self.headers.get("Authorization") or self.headers.get("x-api-key") or "")
                model.list_models(self)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def then(self, *answers: Answer | Fails | Cut | int | None) -> None:
        """Give these answers from now on."""
        self._answers = list(answers)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Give the next answer."""
        self.give(handler, self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])

    def give(self, handler: BaseHTTPRequestHandler, answer: Answer | Fails | Cut | int | None) -> None:
        """Give this answer."""
        if answer is None:
            self._over.wait(10)
            return
        if isinstance(answer, int):
            handler.send_error(answer)
            return
        if isinstance(answer, Fails):
            self._fail(handler, answer)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        if isinstance(answer, Cut):
            # More is promised than comes.
            handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for line in self.lines(answer.chunks if isinstance(answer, Cut) else answer):
            handler.wfile.write(line)
            handler.wfile.flush()
        if not isinstance(answer, Cut):
            handler.wfile.write(self.end)

    end = b"data: [DONE]\n\n"

    def lines(self, answer: Answer) -> Iterator[bytes]:
        """Yield the chunks as server-sent events; None stands for a rest that never comes."""
        for chunk in answer:
            if chunk is None:
                self._over.wait(10)
                return
            yield f"data: {json.dumps(chunk)}\n\n".encode()

    def list_models(self, handler: BaseHTTPRequestHandler) -> None:
        """List the models."""
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "me"} for name in self.models]
        body = json.dumps({"object": "list", "data": data, "has_more": False}).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        handler.wfile.write(body)

    def _fail(self, handler: BaseHTTPRequestHandler, answer: Fails) -> None:
        handler.send_response(answer.status)
        handler.send_header("Content-Type", "application/json")
        if answer.retry_after:
            handler.send_header("Retry-After", answer.retry_after)
        handler.end_headers()
        handler.wfile.write(answer.body())

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
