"""What `make bench-chat` measures with: a model that speaks at a steady rate, and what is made of it."""

import pytest

from benchmarks.streaming.direct import Direct
from benchmarks.streaming.heard import Answer
from benchmarks.streaming.house import steady_model
from benchmarks.streaming.model import FIRST_TOKEN_SECONDS, TOKEN, TOKENS_A_SECOND


async def test_the_model_says_as_many_tokens_as_asked_and_never_faster_than_it_speaks() -> None:
    with steady_model() as url:
        async with Direct(url) as direct:
            answers = [await direct.ask(5), await direct.ask(10)]
    assert [answer.tokens for answer in answers] == [5, 10]
    assert all(answer.first_token_ms >= FIRST_TOKEN_SECONDS * 1000 for answer in answers)
    assert all(answer.whole_rate < TOKENS_A_SECOND for answer in answers)


def test_what_comes_late_and_in_a_heap_is_slow_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((3.0, 4.0))
    monkeypatch.setattr("benchmarks.streaming.heard.time.perf_counter", lambda: next(moments))
    answer = Answer(asked_at=0.0)
    answer.hear(TOKEN)
    answer.hear(TOKEN * 99)
    monkeypatch.undo()
    assert (answer.tokens_a_second, answer.whole_rate) == (99, 25)
