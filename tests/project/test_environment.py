"""Wrong values in the environment are named."""

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from mcpchat_project.environment import number, switch


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
