"""What a page sees of an answer, against a client that asks the same model directly.

An installation as `make run` starts it, with a model of its own that speaks at a steady rate
(`benchmarks/streaming/model.py`). Both ask it in turn, one at a time and 20 at once: how much later the first
token comes to the page, and how fast the others follow. While 20 speak a visitor calls a fast tool and loads
the page, which is compared with the same on an idle installation. BENCH_ROUNDS=1 is for a quick look.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from functools import partial

import httpx

from benchmarks.report import figure, median
from benchmarks.streaming.direct import Direct
from benchmarks.streaming.heard import Answer
from benchmarks.streaming.house import browser, house, steady_model
from benchmarks.streaming.page import Page
from benchmarks.streaming.visitor import Visitor

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
MANY = 20
ONE_ANSWERS = 4
ONE_TOKENS = 60
MANY_TOKENS = 150
WARM_UP_TOKENS = 5
IDLE_SECONDS = 1.5
# Titles are made after the first answer; they are not what is measured.
SETTLE_SECONDS = 2.0

GOALS = {
    "first_token_over_direct_ms_at_1": "<=15",
    "rate_against_direct_at_1": ">=0.95",
    f"rate_against_direct_at_{MANY}": ">=0.95",
    "whole_rate_against_direct_at_1": ">=0.95",
    f"whole_rate_against_direct_at_{MANY}": ">=0.95",
    f"longest_visit_ms_at_{MANY}": "<=1000",
}
Figures = dict[str, list[float]]


def main(database: str) -> None:
    """Measure and print."""
    figures: Figures = defaultdict(list)
    with ExitStack() as stack:
        model = stack.enter_context(steady_model())
        here = stack.enter_context(house(model))
        here.manage("create_user", "bench")
        token = here.manage("api_token", "bench").splitlines()[-1]
        link = here.manage("login_link", "bench").splitlines()[-1]
        asyncio.run(_measure(figures, model, here.url, token, link))
    _show(database, figures)


async def _measure(figures: Figures, model: str, url: str, token: str, link: str) -> None:
    async with AsyncExitStack() as stack:
        headers = {"Authorization": f"Token {token}"}
        pages = [await stack.enter_async_context(Page(url, headers)) for _ in range(MANY)]
        directs = [await stack.enter_async_context(Direct(model)) for _ in range(MANY)]
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=url, headers=headers, timeout=60))
        window = await stack.enter_async_context(browser(url, link))
        asked: list[Page | Direct] = [*pages, *directs]
        await asyncio.gather(*(one.ask(WARM_UP_TOKENS) for one in asked))
        await asyncio.sleep(SETTLE_SECONDS)
        for _ in range(ROUNDS):
            await _round_of_one(figures, directs[0], pages[0])
            await _round_of_many(figures, directs, pages, partial(Visitor, api, window, pages[0].session_id))


async def _round_of_one(figures: Figures, direct: Direct, page: Page) -> None:
    asked = [(await direct.ask(ONE_TOKENS), await page.ask(ONE_TOKENS)) for _ in range(ONE_ANSWERS)]
    _keep(figures, 1, [answers[0] for answers in asked], [answers[1] for answers in asked])


async def _round_of_many(
    figures: Figures, directs: Sequence[Direct], pages: Sequence[Page], visit: Callable[[], Visitor]
) -> None:
    """Look at the idle installation, ask the model directly, then in as many chats while somebody visits."""
    async with visit() as idle:
        await asyncio.sleep(IDLE_SECONDS)
    direct = await asyncio.gather(*(one.ask(MANY_TOKENS) for one in directs))
    async with visit() as busy:
        page = await asyncio.gather(*(one.ask(MANY_TOKENS) for one in pages))
    _keep(figures, MANY, direct, page)
    for name, visitor in (("idle", idle), (f"at_{MANY}", busy)):
        figures[f"tool_ms_{name}"].append(median(visitor.tool_ms))
        figures[f"page_ms_{name}"].append(median(visitor.page_ms))
        figures[f"longest_visit_ms_{name}"].append(max(visitor.tool_ms + visitor.page_ms))


def _keep(figures: Figures, count: int, direct: Sequence[Answer], page: Sequence[Answer]) -> None:
    """Keep the medians of a round, and how the two compare in it."""
    both = {"": page, "direct_": direct}
    first = {who: median(one.first_token_ms for one in heard) for who, heard in both.items()}
    rate = {who: median(one.tokens_a_second for one in heard) for who, heard in both.items()}
    for who in both:
        figures[f"{who}first_token_ms_at_{count}"].append(first[who])
        figures[f"{who}tokens_a_second_at_{count}"].append(rate[who])
    figures[f"first_token_over_direct_ms_at_{count}"].append(first[""] - first["direct_"])
    figures[f"rate_against_direct_at_{count}"].append(rate[""] / rate["direct_"])
    whole = {who: median(one.whole_rate for one in heard) for who, heard in both.items()}
    figures[f"whole_rate_against_direct_at_{count}"].append(whole[""] / whole["direct_"])
    slowest = min(one.tokens_a_second for one in page)
    figures[f"slowest_rate_against_direct_at_{count}"].append(slowest / rate["direct_"])


def _show(database: str, figures: Figures) -> None:
    for name, values in figures.items():
        worst = name.startswith("longest_")
        figure("chat", f"{database}_{name}", max(values) if worst else median(values), GOALS.get(name, ""))
