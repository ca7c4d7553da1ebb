"""An installation as `make run` starts it, the model that it asks, and a browser that is logged in."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from benchmarks.installation import ROOT, end
from mcpchat_project.supervisor.linux import dying_with_parent
from tests.installation import Installation


@contextmanager
def steady_model() -> Iterator[str]:
    """Start the model, in a process of its own, and give its address."""
    command = (sys.executable, "-m", "benchmarks.streaming.model")
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, preexec_fn=dying_with_parent()
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def house(model: str) -> Installation:
    """Return an installation on the broker and the database of the one that this runs in."""
    kept = ("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "CHAT_CONCURRENCY")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"MCPCHAT_MODEL": "openai:steady", "OPENAI_BASE_URL": model, "OPENAI_API_KEY": "none"}
    return Installation(Path(os.environ["MCPCHAT_VAR"]), environment)


@asynccontextmanager
async def browser(url: str, link: str) -> AsyncIterator[httpx.AsyncClient]:
    """Log in by a link."""
    async with httpx.AsyncClient(base_url=url, timeout=60, follow_redirects=True) as client:
        shown = await client.get(link)
        form = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
        await client.post(shown.url, data=form, headers={"Referer": str(shown.url)})
        yield client
