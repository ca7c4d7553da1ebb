"""Wrong values in the environment are named."""

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from mcpchat_project.environment import number, registries, switch


@pytest.mark.parametrize("value", ["x", "0", "-1", "1.5", "", "١"])
def test_a_number_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_LIMIT", value)
    with pytest.raises(ImproperlyConfigured, match="SOME_LIMIT must be a whole number"):
        number(environ.Env(), "SOME_LIMIT", 3)


@pytest.mark.parametrize(("value", "on"), [("1", True), ("True", True), ("off", False), ("", False)])
def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch, value: str, on: bool) -> None:
    monkeypatch.setenv("SOME_SWITCH", value)
    assert switch(environ.Env(), "SOME_SWITCH") is on


def test_a_switch_that_is_neither_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SWITCH", "tru")
    with pytest.raises(ImproperlyConfigured, match="SOME_SWITCH must be 1 or 0"):
        switch(environ.Env(), "SOME_SWITCH")


DEFAULTS = {"npm": "https://n.example", "pypi": "https://p.example"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", DEFAULTS),
        ("off", {}),
        ("npm=off", {"pypi": "https://p.example"}),
        ("npm=http://mirror:8081/npm/, pypi=off", {"npm": "http://mirror:8081/npm"}),
    ],
)
def test_registries_are_the_defaults_and_what_changes_them(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: dict[str, str]
) -> None:
    monkeypatch.setenv("SOME_REGISTRIES", value)
    assert registries(environ.Env(), "SOME_REGISTRIES", DEFAULTS) == expected


@pytest.mark.parametrize(
    "value",
    [
        "npm",
        "nmp=off",
        "npm=ftp://x",
        "npm=https://",
        "npm=https://user:word@x",
        "npm=http://x:y",
        "on",
        "npm=http://[",
    ],
)
def test_registries_that_are_none_are_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOME_REGISTRIES", value)
    with pytest.raises(ImproperlyConfigured, match="SOME_REGISTRIES must be off, or"):
        registries(environ.Env(), "SOME_REGISTRIES", DEFAULTS)
