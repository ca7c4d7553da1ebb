"""docker-compose.yml as it is written."""

import re

import pytest

from tests.compose import composition
from tests.compose.containers import VAR

SECRETS = {"SECRET_KEY": "s" * 50, "POSTGRES_PASSWORD": "p"}
WORKERS = ("worker-chat", "worker-tools", "worker-exports", "beat")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_that_is_missing_stops_the_start_with_a_sentence(name: str) -> None:
    without = {key: value for key, value in SECRETS.items() if key != name}
    with pytest.raises(composition.Missing, match=rf"Set {name} in \.env"):
        composition.services(without)


def test_the_example_names_every_variable_and_no_other() -> None:
    example = (composition.ROOT / ".env.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert named == composition.variables_of(composition.load()["services"])


def test_only_the_web_server_is_reached_from_outside_and_by_default_from_this_machine_alone() -> None:
    ports = {name: service.get("ports") for name, service in composition.services(SECRETS).items()}
    assert {name: port for name, port in ports.items() if port} == {"web": ["127.0.0.1:8000:8000"]}


def test_every_service_comes_back_after_a_crash_and_stops_in_an_orderly_way() -> None:
    for name, service in composition.services(SECRETS).items():
        assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped"), name
        assert service.get("init") or name in {"db", "redis"}, name


def test_whatever_uses_the_tables_starts_after_the_migrations() -> None:
    declared = composition.services(SECRETS)
    for name in ("web", *WORKERS):
        conditions = {on: how["condition"] for on, how in declared[name]["depends_on"].items()}
        assert conditions == {
            "db": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }, name
    assert all("healthcheck" in declared[name] for name in ("db", "redis", "web"))


def test_containers_share_the_exports_and_nothing_else() -> None:
    declared = composition.services(SECRETS)
    for name in ("web", *WORKERS):
        assert declared[name]["volumes"] == [f"media:{VAR}/media"], name
    assert f"MCPCHAT_VAR={VAR}" in (composition.ROOT / "Dockerfile").read_text()
    named = {service.get("volumes", [""])[0].partition(":")[0] for service in declared.values()}
    assert named == set(composition.load()["volumes"])
