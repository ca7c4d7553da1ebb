"""Values from the environment: a wrong one stops the start with a sentence that names it."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

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


def registries(env: environ.Env, name: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """Return addresses by ecosystem: the defaults, changed by `ECOSYSTEM=ADDRESS,…`.

    `off` for an address leaves that one out, `off` alone all of them. Raises `ImproperlyConfigured`.
    """
    entries = [entry.strip() for entry in env.list(name, default=[])]
    if entries == ["off"]:
        return {}
    found = dict(defaults)
    for entry in entries:
        ecosystem, _, address = entry.partition("=")
        if ecosystem not in defaults or not (address == "off" or _is_web_address(address)):
            raise ImproperlyConfigured(
                f"{name} must be off, or ECOSYSTEM=ADDRESS,ECOSYSTEM=off and so on, not {entry!r}. "
                f"Ecosystems are {', '.join(defaults)}; an address is http:// or https:// without a password."
            )
        found[ecosystem] = address.rstrip("/")
    return {ecosystem: address for ecosystem, address in found.items() if address != "off"}


def storage(env: environ.Env, name: str, backend: str) -> dict[str, Any]:
    """Return an entry of Django's `STORAGES` from `NAME_BACKEND`, by default `backend`, and `NAME_OPTIONS`.

    The options may have passwords and are not shown. Raises `ImproperlyConfigured`.
    """
    text = env.str(f"{name}_OPTIONS", default="").strip()
    try:
        options = json.loads(text or "{}")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}_OPTIONS must be a JSON object; it is no JSON: {error}.") from None
    if not isinstance(options, dict):
        raise ImproperlyConfigured(
            f'{name}_OPTIONS must be a JSON object, such as {{"bucket_name": "exports"}}.'
        )
    return {"BACKEND": env.str(f"{name}_BACKEND", default="").strip() or backend, "OPTIONS": options}


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and "@" not in text
        )
    except ValueError:
        return False


def switch(env: environ.Env, name: str) -> bool:
    """Return whether a switch is on; it is off by default. Raises `ImproperlyConfigured`."""
    text = env.str(name, default="").strip().lower()
    if text not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {text!r}.")
    return _SWITCHES[text]
