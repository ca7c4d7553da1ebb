"""Numbers and switches from the environment: a wrong value stops the start with a sentence that names it."""

import environ
from django.core.exceptions import ImproperlyConfigured

_SWITCHES = {"1": True, "true": True, "yes": True, "on": True}
_SWITCHES |= {"0": False, "false": False, "no": False, "off": False, "": False}


def number(env: environ.Env, name: str, default: int, *, least: int = 1) -> int:
    """Return a whole number of at least `least`. Raises `ImproperlyConfigured`."""
    text = env.str(name, default=str(default)).strip()
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {text!r}.")
    return int(text)


def numbers(env: environ.Env, name: str) -> dict[str, int]:
    """Return whole numbers by name from `NAME=NUMBER,…`. Raises `ImproperlyConfigured`."""
    found: dict[str, int] = {}
    for entry in env.list(name, default=[]):
        key, _, text = entry.strip().rpartition("=")
        if not (key and text.isascii() and text.isdigit() and int(text)):
            raise ImproperlyConfigured(f"{name} must be NAME=NUMBER,NAME=NUMBER and so on, not {entry!r}.")
        found[key] = int(text)
    return found


def switch(env: environ.Env, name: str) -> bool:
    """Return whether a switch is on; it is off by default. Raises `ImproperlyConfigured`."""
    text = env.str(name, default="").strip().lower()
    if text not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {text!r}.")
    return _SWITCHES[text]
