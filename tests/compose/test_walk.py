"""The story on PostgreSQL and Valkey with every service's own command: first use, deaths, stop."""

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.house import Person, assert_gapless, wait_for
from tests.compose.containers import Composition, staff
from tests.git_server import GitServer
from tests.postgres import Postgres

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes are left"),
    pytest.mark.timeout(240),
]
FILES = {
    "README.md": "# Sample\n",
    "sample.py": "def add(a, b):\n    return a + b\n",
    "requirements.txt": "Django\n",
}


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitServer]:
    """A git server with the repository `sample`."""
    with GitServer(tmp_path / "git") as server:
        server.add("sample", FILES)
        yield server


@pytest.fixture
def composed(tmp_path: Path, postgres: Postgres, git_server: GitServer) -> Iterator[Composition]:
    """Every service, two of worker-tools."""
    variables = {
        "SECRET_KEY": "x" * 50,
        "POSTGRES_PASSWORD": postgres.password,
        "MCPCHAT_ALLOWED_GIT_HOSTS": git_server.host,
        "MCPCHAT_TOOL_MODULES": "tests.probe_tools",
    }
    with Composition(tmp_path / "containers", postgres, **variables) as running:
        running.up(worker_tools=2)
        running.wait_until_ready()
        yield running


def test_the_services_do_the_whole_work_survive_deaths_and_leave_nothing(
    composed: Composition, git_server: GitServer
) -> None:
    with_token = Person(composed, staff(composed, "ann"))
    with with_token.http:
        session = _analyze(with_token, git_server)
        _lose_a_host(composed, with_token, session)
        _lose_a_keeper(composed)
        _export(with_token, session)
        assert_gapless(with_token.events(session))
    codes = composed.down()
    assert {code for name, code in codes.items() if name != "web-1"} == {0}, codes
    # The web server ends by the signal itself once it has finished.
    assert codes["web-1"] in {0, -signal.SIGTERM}
    assert composed.left() == []


def _analyze(person: Person, git_server: GitServer) -> str:
    session = person.session()
    person.say(session, f"analyze {git_server.url('sample')}")
    snapshot = wait_for("the analysis is told", lambda: _answered(person, session), 40)
    assert (
        "Python"
        in next(message for message in snapshot["messages"] if message["role"] == "subagent")["content"]
    )
    return session


def _answered(person: Person, session: str) -> dict[str, Any] | None:
    snapshot = person.snapshot(session)
    told = any(message["role"] == "subagent" for message in snapshot["messages"])
    return snapshot if told and not snapshot["turn"] else None


def _lose_a_host(composed: Composition, person: Person, session: str) -> None:
    """Kill a whole container in the midst of its work: the other one goes on with it."""
    subagent_id = person.call(session, "probe", seconds=2)["subagent_id"]
    person.running(subagent_id)
    pool = next(pool for pool in person.http.get("/api/pools/").json() if pool["name"] == "tools")
    worker = next(row["worker"] for row in pool["workers"] if row["subagent_id"] == subagent_id)
    composed.running.pop(worker.partition("@")[2]).kill()
    ended = person.ended(subagent_id, 20)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 2), ended


def _lose_a_keeper(composed: Composition) -> None:
    """Kill a keeper: its container ends whole, and the restart policy brings it back."""
    container = composed.running["worker-exports-1"]
    os.kill(container.process_with("django keeper"), signal.SIGKILL)
    assert container.wait(10) == 1
    assert "keeper was killed by SIGKILL; stopping" in container.said()
    assert container.processes() == []
    container.start()


def _export(person: Person, session: str) -> None:
    answer = person.http.post(
        "/api/exports/", json={"session_id": session, "format": "json"}
    ).raise_for_status()
    path = f"/api/exports/{answer.json()['export_id']}/"
    export = wait_for("the export is made", lambda: _made(person, path), 30)
    download = person.http.get(export["download_url"]).raise_for_status()
    assert hashlib.sha256(download.content).hexdigest() == export["sha256"]


def _made(person: Person, path: str) -> dict[str, Any] | None:
    export = dict(person.http.get(path).raise_for_status().json())
    return export if export["state"] == "succeeded" else None
