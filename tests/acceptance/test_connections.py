"""Connections to PostgreSQL, which has 100 of them unless somebody asks for more."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.house import House, Person, wait_for
from tests.environment import POSTGRES

pytestmark = pytest.mark.skipif(POSTGRES is None, reason="SQLite has no connections to run out of")
# What works all the time, and a few that come and go.
QUIET = 15
CLIENTS = 40


def _connections(house: House) -> int:
    assert POSTGRES is not None
    return POSTGRES.connections(house.environment["DATABASE_URL"].rpartition("/")[2])


def test_requests_that_wait_hold_no_connection(ann: Person, house: House) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=8)["subagent_id"]
    with ThreadPoolExecutor(CLIENTS) as threads:
        path = f"/api/subagents/{subagent_id}/?wait=20"
        answers = [threads.submit(ann.http.get, path) for _ in range(CLIENTS)]
        ann.running(subagent_id, progress=60)
        assert _connections(house) <= QUIET
        assert not any(answer.done() for answer in answers)
        states = {answer.result().json()["state"] for answer in answers}
    assert states == {"succeeded"}


def test_many_requests_leave_no_connection_behind(ann: Person, house: House) -> None:
    session = ann.session()
    with ThreadPoolExecutor(CLIENTS) as threads:
        paths = [f"/api/sessions/{session}/"] * (10 * CLIENTS)
        statuses = {answer.status_code for answer in threads.map(ann.http.get, paths)}
    assert statuses == {200}
    wait_for("few connections are open", lambda: _connections(house) <= QUIET, 4)
