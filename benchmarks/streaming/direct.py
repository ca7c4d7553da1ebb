"""The baseline: a client that asks the model itself and reads its stream."""

import json
from typing import Any, Self

import httpx

from benchmarks.streaming.heard import Answer
from benchmarks.streaming.model import wish

_DATA = "data: "
_END = "[DONE]"


class Direct:
    """Asks over one kept connection; a context manager around it."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, tokens: int) -> Answer:
        """Ask for an answer of so many tokens and hear it to its end."""
        question = [{"role": "user", "content": wish(tokens)}]
        body = {"model": "steady", "stream": True, "messages": question}
        answer = Answer()
        async with self._http.stream("POST", "/chat/completions", json=body) as stream:
            async for line in stream.raise_for_status().aiter_lines():
                if line.startswith(_DATA) and line[len(_DATA) :] != _END:
                    _take(answer, json.loads(line[len(_DATA) :]))
        return answer


def _take(answer: Answer, event: dict[str, Any]) -> None:
    if text := event["choices"][0]["delta"].get("content"):
        answer.hear(text)
