"""Wrong values in the environment are named."""

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from mcpchat_project.environment import number, registries, storage, switch


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


def test_a_storage_is_a_class_and_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_BACKEND", "a.B")
    monkeypatch.setenv("SOME_OPTIONS", '{"bucket_name": "c"}')
    assert storage(environ.Env(), "SOME", "d.E") == {"BACKEND": "a.B", "OPTIONS": {"bucket_name": "c"}}


@pytest.mark.parametrize("value", ["", " "])
def test_a_storage_that_is_not_named_is_the_default(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for name in ("SOME_BACKEND", "SOME_OPTIONS"):
        monkeypatch.setenv(name, value)
    assert storage(environ.Env(), "SOME", "d.E") == {"BACKEND": "d.E", "OPTIONS": {}}


@pytest.mark.parametrize("value", ["secret", '{"secret": 1', '["secret"]', '"secret"', "1"])
def test_options_that_are_no_object_are_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SOME_OPTIONS", value)
    with pytest.raises(ImproperlyConfigured, match="SOME_OPTIONS must be a JSON object") as refusal:
        storage(environ.Env(), "SOME", "d.E")
    assert "secret" not in str(refusal.value)
