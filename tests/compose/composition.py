"""Reads docker-compose.yml as `docker compose` does: YAML, then variables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\}")


class Missing(Exception):
    """A variable that the file requires is not set; the text is what the file says about it."""


def load() -> dict[str, Any]:
    """Return the file as it is written."""
    return dict(yaml.safe_load(FILE.read_text()))


def services(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return each service with the variables put in. Raises `Missing`."""
    filled = {name: _filled(service, variables) for name, service in load()["services"].items()}
    for service in filled.values():
        service["environment"] = _environment(service.get("environment", {}), variables)
    return filled


def variables_of(value: Any) -> set[str]:
    """Return the names of all variables that the file takes from outside."""
    if isinstance(value, str):
        return {found["name"] for found in VARIABLE.finditer(value)}
    if isinstance(value, list):
        return set().union(*(variables_of(item) for item in value))
    if isinstance(value, dict):
        passed_on = {name for name, item in value.get("environment", {}).items() if item is None}
        return passed_on.union(*(variables_of(item) for item in value.values()))
    return set()


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _one(found, variables), value)
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, variables) for key, item in value.items()}
    return value


def _one(found: re.Match[str], variables: Mapping[str, str]) -> str:
    given = variables.get(found["name"], "")
    if not given and found["how"] == "?":
        raise Missing(found["text"])
    return given or (found["text"] or "")


def _environment(declared: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    """Return a container's environment: a name without a value is passed on, if it is set."""
    passed_on = {name: variables.get(name) for name, value in declared.items() if value is None}
    stated = {name: str(value) for name, value in declared.items() if value is not None}
    return stated | {name: value for name, value in passed_on.items() if value is not None}
