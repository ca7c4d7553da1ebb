"""SIGTERM to a worker: it stops taking, short work ends, the rest is given back, and it is gone in time."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from agents_app.models import Subagent, Worker
from mcpchat_project.supervisor.processes import agents
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.processes import start
from tests.project.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT_SECONDS = django_settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT + 2


@pytest.fixture
def worker(var: Path) -> Iterator["subprocess.Popen[str]"]:
    """An agents worker with three children, and the keeper of its host."""
    keeper = start(["manage.py", "keeper"], var)
    process = agents("agents", ("tools",), 3)
    running = start(process.command[1:], var, **process.environment)
    until(lambda: Worker.objects.filter(kind="agents").count() == 3, 30)
    yield running
    for one in (running, keeper):
        one.terminate()
        one.communicate(timeout=10)


def _running(*subagents: Subagent) -> bool:
    return all(work.fresh(subagent).state == "running" for subagent in subagents)


def test_short_work_ends_and_the_rest_is_given_back_within_the_soft_limit_and_two_seconds(
    session: ChatSession, worker: "subprocess.Popen[str]"
) -> None:
    short = work.queue(session, "probe", args={"seconds": 1.5})
    long = work.queue(session, "probe_deaf", args={"seconds": 60})
    once = work.queue(session, "probe_once", args={"seconds": 60}, safe=False)
    late = work.queue(session, "probe", args={"seconds": 0})
    until(lambda: _running(short, long, once), 20)
    began = time.monotonic()
    worker.terminate()
    worker.wait(LIMIT_SECONDS + 3)
    took = time.monotonic() - began
    print(f"gone after {took:.2f} s")
    until(lambda: work.fresh(once).state == "failed" and work.fresh(long).attempt == 2, 2)
    assert took <= LIMIT_SECONDS
    assert (work.fresh(short).state, work.fresh(short).attempt) == ("succeeded", 1)
    assert work.fresh(long).state in {"queued", "admitted"}
    assert _lost(work.fresh(long)) == [1]
    assert work.fresh(once).error["code"] == "worker_lost"
    assert (work.fresh(late).state, work.fresh(late).attempt) in {("queued", 1), ("admitted", 1)}


def _lost(subagent: Any) -> list[int]:
    return [ended["attempt"] for ended in subagent.attempts if ended["code"] == "worker_lost"]
