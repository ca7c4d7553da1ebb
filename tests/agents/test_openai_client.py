"""Requests that pass by the SDK's walk through them are the same as those that do not."""

from typing import Any

import pytest
from openai import AsyncOpenAI, omit

from agents_app.llm.openai import Client
from tests.agents.model_server import ModelServer, says

MESSAGES: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Look."}]},
    {
        "role": "assistant",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "1", "content": '{"found": "nothing"}'},
]
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
]


@pytest.mark.parametrize("tools", [TOOLS, omit])
@pytest.mark.parametrize("extra_body", [None, {"think": False}])
async def test_the_server_is_asked_the_same(tools: Any, extra_body: Any) -> None:
    with ModelServer(says("Nothing.")) as server:
        for kind in (AsyncOpenAI, Client):
            async with kind(base_url=server.url, api_key="key", max_retries=2) as client:
                stream = await client.with_options(max_retries=0).chat.completions.create(
                    model="m", messages=MESSAGES, tools=tools, stream=True, extra_body=extra_body
                )
                async for _ in stream:
                    pass
    theirs, ours = server.asked
    assert ours == theirs
    assert ours["messages"] == MESSAGES
