"""Asking for a run, and reading what runs did: REST, the command, the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from agents_app import maintenance
from agents_app.maintenance.registry import JobResult
from agents_app.models import MaintenanceRun
from tests.maintenance.conftest import Declare

Log = Callable[[Any], APIClient]


def _broken() -> JobResult:
    raise RuntimeError("it broke")


@pytest.mark.parametrize("deep", [True, False])
def test_staff_ask_for_a_run_over_rest(db: None, olga: Any, client_of: Log, deep: bool) -> None:
    answer = client_of(olga).post("/api/maintenance/run/", {"deep": deep})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["kind"], body["deep"], body["state"]) == ("forced", deep, "running")
    assert body["requested_by"] == "olga"
    again = client_of(olga).post("/api/maintenance/run/", {})
    assert (again.status_code, again.json()["code"]) == (409, "maintenance_running")
    assert again["retry-after"] == "30"


def test_a_repeated_request_with_its_key_is_the_same_run(db: None, olga: Any, client_of: Log) -> None:
    client = client_of(olga)
    headers = {"idempotency-key": "once"}
    ids = {client.post("/api/maintenance/run/", {}, headers=headers).json()["run_id"] for _ in range(2)}
    assert len(ids) == 1


def test_users_may_not_ask_and_see_the_statistics_alone(
    db: None, ann: Any, olga: Any, client_of: Log, client: Client
) -> None:
    refused = client_of(ann).post("/api/maintenance/run/", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert client.get("/api/maintenance/").status_code == 401
    maintenance.force(deep=False, tell=lambda *_: None)
    seen = client_of(ann).get("/api/maintenance/").json()
    assert seen == maintenance.statistics()
    assert seen["cleanup_count"] == 1
    runs = client_of(olga).get("/api/maintenance/").json()["runs"]
    assert [run["state"] for run in runs] == ["succeeded"]


def test_nonsense_is_refused(db: None, olga: Any, client_of: Log) -> None:
    answer = client_of(olga).post("/api/maintenance/run/", {"deep": "deeper"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_the_command_prints_a_line_for_each_job(
    db: None, only: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    only("light", lambda: JobResult(line="1 thing"))
    only("heavy", lambda: JobResult(line="2 things"), deep=True)
    call_command("maintenance")
    assert [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()] == ["light: 1 thing"]
    call_command("maintenance", "--deep")
    lines = [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["heavy: 2 things", "light: 1 thing"]


def test_the_command_fails_when_a_job_does(
    db: None, only: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    only("broken", _broken)
    with pytest.raises(CommandError, match="broken: RuntimeError: it broke"):
        call_command("maintenance")
    assert "broken: FAILED RuntimeError: it broke" in capsys.readouterr().out


def test_the_command_gives_way_to_a_run_under_way(db: None, olga: Any) -> None:
    maintenance.request(deep=False, requested_by=olga)
    with pytest.raises(CommandError, match="under way"):
        call_command("maintenance")


@pytest.mark.parametrize(
    ("back", "deep", "leads_to"),
    [("runs", "0", "/admin/agents_app/maintenancerun/"), ("monitor", "1", "/admin/monitor/")],
)
def test_the_admins_buttons_ask_for_a_run(
    db: None, olga: Any, client: Client, back: str, deep: str, leads_to: str
) -> None:
    client.force_login(olga)
    assert b"Deep clean now" in client.get(leads_to).content
    answer = client.post("/admin/monitor/", {"back": back, "deep": deep})
    assert (answer.status_code, answer["location"]) == (302, leads_to)
    run = MaintenanceRun.objects.get()
    assert (run.kind, run.deep, run.requested_by) == ("forced", deep == "1", olga)
    assert b"was asked for" in client.get(leads_to).content
    again = client.post("/admin/monitor/", {"back": back}, follow=True)
    assert b"A maintenance run is under way." in again.content


def test_the_admins_runs_are_read_only(db: None, olga: Any, client: Client) -> None:
    maintenance.force(deep=True, tell=lambda *_: None)
    run = MaintenanceRun.objects.get()
    client.force_login(olga)
    page = client.get(f"/admin/agents_app/maintenancerun/{run.pk}/change/")
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert client.get("/admin/agents_app/maintenancerun/add/").status_code == 403
    assert client.get(f"/admin/agents_app/maintenancerun/{run.pk}/delete/").status_code == 403


def test_the_buttons_are_for_staff(db: None, ann: Any, client: Client) -> None:
    client.force_login(ann)
    assert client.post("/admin/monitor/", {"deep": "1"}).status_code == 302
    assert not MaintenanceRun.objects.exists()
