"""Cancel and deadlines: the work itself is dead, its children and folders too."""

import time

import pytest

from tests.acceptance.house import House, Person, wait_for
from tests.git_server import GitServer


def test_cancel_while_cloning_leaves_no_process_and_no_folder(
    ann: Person, house: House, git_server: GitServer
) -> None:
    session = ann.session()
    git_server.first_pack_bytes_sent.clear()
    git_server.bytes_per_second = 2000
    try:
        ann.say(session, f"analyze {git_server.url('sample')}")
        assert git_server.first_pack_bytes_sent.wait(20)
        subagent_id = ann.snapshot(session)["subagents"][0]["subagent_id"]
        assert house.processes_with(git_server.host)
        began = time.monotonic()
        ann.say(session, "cancel it")
        assert ann.ended(subagent_id)["state"] == "cancelled"
        assert time.monotonic() - began < 3
    finally:
        git_server.bytes_per_second = None
    assert house.processes_with(git_server.host) == []
    wait_for("the work folder is gone", lambda: not house.work_folders(), 2)


def test_cancel_of_a_waiting_subagent_is_immediate(ann: Person) -> None:
    session = ann.session()
    busy = [ann.call(session, "probe", seconds=60)["subagent_id"] for _ in range(4)]
    ann.running(busy[0])
    cancelled = ann.http.post(f"/api/subagents/{busy[3]}/cancel/").json()
    assert cancelled["state"] == "cancelled"
    ann.http.post(f"/api/sessions/{session}/stop/")
    assert {ann.ended(subagent_id)["state"] for subagent_id in busy} == {"cancelled"}


def test_cancelled_work_keeps_its_partial_result(ann: Person) -> None:
    session = ann.session()
    subagent_id = ann.call(session, "probe", seconds=6)["subagent_id"]
    ann.running(subagent_id, progress=60)
    ann.http.post(f"/api/subagents/{subagent_id}/cancel/")
    ended = ann.ended(subagent_id, 3)
    assert ended["result"] == {"summary": "half of it", "data": {}, "partial": True}


@pytest.mark.parametrize(
    ("tool", "cancel", "state", "code"),
    [("probe_stubborn", True, "cancelled", None), ("probe_brief", False, "failed", "timeout")],
)
def test_work_that_does_not_heed_is_ended_by_force_with_its_children(
    ann: Person, house: House, tool: str, cancel: bool, state: str, code: str | None
) -> None:
    session = ann.session()
    neighbour = ann.call(session, "probe", seconds=8)["subagent_id"]
    subagent_id = ann.call(session, tool, seconds=60)["subagent_id"]
    wait_for("the tool starts its child", lambda: house.processes_with(f"# {subagent_id}"))
    began = time.monotonic()
    if cancel:
        ann.http.post(f"/api/subagents/{subagent_id}/cancel/")
    ended = ann.ended(subagent_id, 8)
    assert time.monotonic() - began < 5
    assert ended["state"] == state
    assert (ended["error"] or {}).get("code") == code
    assert house.processes_with(f"# {subagent_id}") == []
    assert ann.ended(neighbour)["attempt"] == 1


def test_stop_of_the_installation_takes_five_seconds_at_most_and_its_work_goes_on_after_a_start(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("stopped") / "var"
    with House(folder) as house:
        person = house.user("cleo")
        session = person.session()
        subagent_id = person.call(session, "probe_stubborn", seconds=9)["subagent_id"]
        person.running(subagent_id, progress=1)
        assert house.stop() < 5
        assert house.processes_with(str(folder)) == []
        assert house.processes_with(f"# {subagent_id}") == []
        assert list((folder / "run" / "locks").iterdir()) == []
        house.start()
        ended = person.ended(subagent_id)
        assert (ended["state"], ended["error"]) == ("succeeded", None), ended["attempts"]
