"""Several hosts share a database: a lost one is replaced, one that is cut off ends its own work first."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from mcpchat_project.supervisor.processes import agents, keeper
from tests.acceptance.house import Person, wait_for
from tests.cable import Cable
from tests.compose.containers import Composition, Container, staff
from tests.postgres import Postgres

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes are left"),
    pytest.mark.timeout(180),
]
ALL = ("tools,exports,maintenance=3", "beat")
LEASE_SECONDS = 5.0


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Composition]:
    """The database, the broker and a web server."""
    variables = {
        "SECRET_KEY": "x" * 50,
        "POSTGRES_PASSWORD": postgres.password,
        "MCPCHAT_TOOL_MODULES": "tests.probe_tools",
    }
    with Composition(tmp_path_factory.mktemp("hosts"), postgres, **variables) as running:
        running.prepare()
        running.web()
        yield running


@pytest.fixture(scope="module")
def ann(composed: Composition) -> Iterator[Person]:
    """A user."""
    person = Person(composed, staff(composed, "ann"))
    with person.http:
        yield person


@pytest.fixture
def database(composed: Composition, postgres: Postgres) -> Iterator["psycopg.Connection[Any]"]:
    """A look into the tables."""
    with psycopg.connect(postgres.url("mcpchat"), autocommit=True) as connection:
        yield connection


def _holder(database: "psycopg.Connection[Any]", post: str) -> str:
    row = database.execute("SELECT holder FROM agents_app_singleton WHERE name = %s", [post]).fetchone()
    return str(row[0]) if row else ""


def _children_of(database: "psycopg.Connection[Any]", host: str) -> int:
    query = "SELECT count(*) FROM agents_app_worker WHERE kind = 'agents' AND host = %s"
    row = database.execute(query, [host]).fetchone()
    return int(row[0]) if row else 0


def _inner(container: Container, subagent_id: str) -> list[int]:
    """Return the processes that a tool started for a subagent on a host."""
    return container.processes_with(f"# {subagent_id}")


def test_the_work_of_a_lost_host_goes_on_within_8_s_and_its_posts_within_5_s(
    composed: Composition, ann: Person, database: "psycopg.Connection[Any]"
) -> None:
    lost = composed.host("lost", *ALL)
    subagent_id = ann.call(ann.session(), "probe", seconds=60)["subagent_id"]
    ann.running(subagent_id)
    posts = {"other hosts", "beat"}
    wait_for("the posts are held", lambda: all(_holder(database, post) for post in posts))
    before = {post: _holder(database, post) for post in posts}
    heir = composed.host("heir", *ALL)
    wait_for("the heir is there", lambda: _children_of(database, "heir") == 3)
    lost.kill()
    began, taken = time.monotonic(), dict[str, float]()

    def goes_on() -> bool:
        for post in posts - taken.keys():
            if _holder(database, post) not in ("", before[post]):
                taken[post] = time.monotonic() - began
        subagent = ann.subagent(subagent_id)
        return (subagent["state"], subagent["attempt"]) == ("running", 2)

    wait_for("it runs again", goes_on, 12)
    seconds = time.monotonic() - began
    print(f"running again after {seconds:.2f} s, posts taken after {taken}")
    assert seconds <= 8
    assert taken.keys() == posts
    assert max(taken.values()) <= 5
    ann.http.post(f"/api/subagents/{subagent_id}/cancel/")
    ann.ended(subagent_id)
    assert heir.stop() == 0


def test_a_worker_takes_no_work_before_its_keeper_renews(
    composed: Composition, database: "psycopg.Connection[Any]"
) -> None:
    worker = agents("agents", ("tools",), 2)
    host = composed.host("unkept", command=worker.command)
    wait_for("it waits", lambda: "waiting for the keeper" in host.said())
    assert _children_of(database, "unkept") == 0
    environment = host.environment | {"DJANGO_SETTINGS_MODULE": "mcpchat_project.settings"}
    beside = Container(host.name, [*keeper().command], environment, host.folder)
    wait_for("it begins", lambda: _children_of(database, "unkept") == 2)
    assert host.stop() == 0
    assert beside.stop() == 0


@pytest.mark.parametrize("trouble", ["cut off", "keeper stopped"])
def test_a_host_that_cannot_renew_has_ended_its_work_before_another_runs_it(
    composed: Composition, ann: Person, database: "psycopg.Connection[Any]", postgres: Postgres, trouble: str
) -> None:
    name = trouble.replace(" ", "-")
    with Cable(postgres.port) as to_database, Cable(composed.broker_port) as to_broker:
        host = composed.host(name, ALL[0], postgres=to_database.port, broker=to_broker.port)
        subagent_id = ann.call(ann.session(), "probe_stubborn", seconds=60)["subagent_id"]
        ann.running(subagent_id, progress=1)
        wait_for("the tool starts its child", lambda: _inner(host, subagent_id))
        heir = composed.host(f"heir-of-{name}", *ALL)
        wait_for("the heir is there", lambda: _children_of(database, f"heir-of-{name}") == 3)
        began = time.monotonic()
        if trouble == "cut off":
            to_database.cut()
            to_broker.cut()
        else:
            os.kill(host.process_with("django keeper"), signal.SIGSTOP)
        wait_for("the host ends its work", lambda: not _inner(host, subagent_id), LEASE_SECONDS + 1)
        print(f"{trouble}: its work ended after {time.monotonic() - began:.2f} s")
        assert ann.subagent(subagent_id)["attempt"] == 1
        wait_for("it runs elsewhere", lambda: ann.subagent(subagent_id)["attempt"] == 2, 9)
        wait_for("the tool starts its child", lambda: _inner(heir, subagent_id))
        assert host.wait(10) == 1
        assert host.processes() == []
        to_database.mend()
        to_broker.mend()
        host.start()  # as its restart policy does
        wait_for("the host works again", lambda: _children_of(database, name) == 3, 30)
        assert (_inner(host, subagent_id), len(_inner(heir, subagent_id))) == ([], 1)
        assert ann.subagent(subagent_id)["attempt"] == 2
        ann.http.post(f"/api/subagents/{subagent_id}/cancel/")
        assert ann.ended(subagent_id)["state"] == "cancelled"
        assert heir.stop() == 0
        assert host.stop() == 0
