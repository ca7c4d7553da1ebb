"""Several beats may run: one sends, and another takes over within 5 s of its death."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from agents_app.models import Singleton
from tests.agents.processes import start
from tests.project.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = ["-m", "celery", "-A", "mcpchat_project", "beat", "--pidfile=", "-l", "WARNING"]
QUEUE = "ticks"


@pytest.fixture
def ticks() -> Iterator[Callable[[], int]]:
    """A task that is due every second; the function returns how often it was sent."""
    schedule = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="tick", task="tests.tick", interval=schedule, queue=QUEUE)
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.delete(QUEUE)
        yield lambda: int(client.llen(QUEUE))
        client.delete(QUEUE)


@pytest.fixture
def start_beat(tmp_path: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Start the beat of a host."""
    started: list[subprocess.Popen[str]] = []

    def add(host: str) -> "subprocess.Popen[str]":
        started.append(start(BEAT, tmp_path / host))
        return started[-1]

    yield add
    for process in started:
        process.kill()
        process.communicate()


def _holder() -> str:
    return Singleton.objects.filter(pk="beat").values_list("holder", flat=True).first() or ""


def test_one_of_two_sends_and_the_other_takes_over_within_5_s_without_sending_anything_twice(
    start_beat: Callable[[str], Any], ticks: Callable[[], int]
) -> None:
    first = start_beat("one")
    until(lambda: ticks() >= 1, 20)
    before = _holder()
    start_beat("two")
    until(lambda: PeriodicTask.objects.get(name="tick").total_run_count >= 8, 30)
    assert _holder() == before
    first.kill()
    # Each of them counts in the row what it sent: more messages than that were sent by a second one.
    until(lambda: _holder() != before, 5)
    until(lambda: PeriodicTask.objects.get(name="tick").total_run_count >= 12, 30)
    assert ticks() - PeriodicTask.objects.get(name="tick").total_run_count in {-1, 0, 1}


def test_a_beat_that_ends_in_an_orderly_way_leaves_its_post(start_beat: Callable[[str], Any]) -> None:
    only = start_beat("one")
    until(_holder, 20)
    only.terminate()
    only.wait(8)
    assert _holder() == ""
