"""A small server that speaks Anthropic's messages API over loopback and answers as scripted."""

import json
from collections.abc import Iterator, Sequence

from tests.agents.model_server import Answer, Chunk, ModelServer

_MESSAGE: Chunk = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 11, "output_tokens": 1},
}


def says(*words: str) -> list[Chunk]:
    """An answer of text, a chunk a word."""
    return [_start(), *_text(0, words), *_end("end_turn")]


def calls(*wanted: tuple[str, str, str], before: str = "") -> list[Chunk]:
    """An answer that calls tools, each (call id, tool name, arguments as JSON text), after some words."""
    blocks = [] if not before else _text(0, [before])
    for index, (call_id, name, text) in enumerate(wanted, start=1 if before else 0):
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        blocks += [
            {"type": "content_block_start", "index": index, "content_block": block},
            _delta(index, {"type": "input_json_delta", "partial_json": text[:3]}),
            _delta(index, {"type": "input_json_delta", "partial_json": text[3:]}),
            {"type": "content_block_stop", "index": index},
        ]
    return [_start(), *blocks, *_end("tool_use")]


def breaks_off(*words: str, error: str = "overloaded_error") -> list[Chunk]:
    """An answer that ends with an error event after some words."""
    told = {"type": "error", "error": {"type": error, "message": "Overloaded"}}
    return [_start(), *(_text(0, words)[:-1] if words else []), told]


class AnthropicServer(ModelServer):
    """Answers as the model server does, in Anthropic's words."""

    end = b""

    def lines(self, answer: Answer) -> Iterator[bytes]:
        """Yield the events with their names."""
        for chunk in filter(None, answer):
            yield f"event: {chunk['type']}\ndata: {json.dumps(chunk)}\n\n".encode()


def _start() -> Chunk:
    return {"type": "message_start", "message": _MESSAGE}


def _text(index: int, words: Sequence[str]) -> list[Chunk]:
    block = {"type": "text", "text": ""}
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *[_delta(index, {"type": "text_delta", "text": word}) for word in words],
        {"type": "content_block_stop", "index": index},
    ]


def _delta(index: int, delta: Chunk) -> Chunk:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _end(reason: str) -> list[Chunk]:
    return [
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    ]
