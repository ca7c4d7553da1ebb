"""An attempt in a process of its own: what its tool started ends with it, the process goes on."""

from pathlib import Path
from typing import Any

import pytest

from agents_app import liveness
from sessions_app.models import ChatSession
from tests.agents import work
from tests.agents.processes import start
from tests.project.waiting import alive

RUN = """
import os, sys, django
os.setsid()
django.setup()
from uuid import UUID
from agents_app import liveness, runner
liveness.register("agents", ("tools",))
runner.run(UUID(sys.argv[1]), 1)
print("went on", flush=True)
"""


def _children(subagent_id: object) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"# {subagent_id}".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if alive(pid)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("fail", "state"), [("", "succeeded"), ("no_luck", "failed")])
def test_children_that_a_tool_leaves_are_killed_with_the_attempt(
    session: ChatSession, tmp_path: Path, fail: str, state: str
) -> None:
    subagent = work.admitted(session, args={"seconds": 0.2, "child": True, "fail": fail})
    with start(["-c", RUN, str(subagent.pk)], tmp_path) as process:
        output, errors = process.communicate(timeout=20)
    assert output == "went on\n", errors
    assert work.fresh(subagent).state == state
    assert _children(subagent.pk) == []
    assert not list((tmp_path / "work").iterdir())


def test_a_process_that_never_registered_runs_nothing() -> None:
    with pytest.raises(RuntimeError, match="not registered"):
        liveness.current_worker_id()


def test_on_the_only_host_a_process_without_a_row_is_known_again_before_it_works(
    registered: liveness.Identity, settings: Any
) -> None:
    from agents_app.models import Worker

    settings.SEVERAL_HOSTS = False
    Worker.objects.all().delete()
    assert liveness.current_worker_id() == registered.worker_id
    row = Worker.objects.get(pk=registered.worker_id)
    assert (row.pid, row.queues) == (registered.pid, " tools exports ")
