"""Who may look: the REST door, the metrics, the admin's page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

Log = Callable[[Any], APIClient]


def test_staff_get_the_whole_snapshot(everything_up: None, olga: Any, client_of: Log) -> None:
    answer = client_of(olga).get("/api/monitor/")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok"
    assert set(body) == {
        "status", "checked_at", "components", "pools", "queues", "workers", "recent_failures", "mcp",
        "maintenance", "maintenance_runs",
    }  # fmt: skip


def test_others_are_refused_with_a_problem(ann: Any, client_of: Log, client: Client) -> None:
    answer = client_of(ann).get("/api/monitor/")
    assert (answer.status_code, answer["content-type"]) == (403, "application/problem+json")
    assert answer.json()["code"] == "permission_denied"
    assert client.get("/api/monitor/").status_code == 401


def test_metrics_are_for_staff(db: None, ann: Any, olga: Any, client_of: Log, client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    assert client_of(ann).get("/metrics").status_code == 403
    answer = client_of(olga).get("/metrics")
    assert answer.status_code == 200
    assert answer["content-type"].startswith("text/plain; version=0.0.4")


def test_prometheus_reads_metrics_with_the_token_alone(db: None, client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "let-me-read"
    accept = "application/openmetrics-text;version=1.0.0"
    headers = {"authorization": "Bearer let-me-read", "accept": accept}
    assert client.get("/metrics", headers=headers).status_code == 200
    assert client.get("/metrics", headers={"authorization": "Bearer something"}).status_code == 401


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", ""])
def test_without_a_token_set_an_empty_one_opens_nothing(db: None, client: Client, header: str) -> None:
    assert client.get("/metrics", headers={"authorization": header}).status_code == 401


def test_the_monitor_page_is_for_staff(db: None, ann: Any, olga: Any, client: Client) -> None:
    assert client.get("/admin/monitor/").status_code == 302
    client.force_login(ann)
    assert client.get("/admin/monitor/").status_code == 302
    client.force_login(olga)
    answer = client.get("/admin/monitor/")
    assert answer.status_code == 200
    assert b"MCP Chat administration" in answer.content
    assert b"/admin/monitor/" in client.get("/admin/").content
