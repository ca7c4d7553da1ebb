"""Asking registries for the newest versions of packages, within a budget and with a memory of a day."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from django.core.cache import cache

from agents_app.context import ToolContext
from agents_app.isolation.subprocesses import Command, Limits, Lines, Tail, TooLong, python_command, run
from agents_app.stages import Remaining, Stage

BUDGET_SECONDS = 20.0
_KEPT_SECONDS = 24 * 3600
_LIMITS = Limits(memory_bytes=2 * 1024**3, file_bytes=0)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_UNLISTED = "unlisted"

Package: TypeAlias = tuple[str, str]
"""Ecosystem and name."""


@dataclass(frozen=True)
class Newest:
    """The newest stable version of a package and the newest of all, each empty if there is none."""

    stable: str = ""
    of_all: str = ""


def look_up(
    context: ToolContext, stage: Stage, packages: Sequence[Package], registries: Mapping[str, str]
) -> dict[Package, Newest]:
    """Return what the registries (address by ecosystem) know of `packages`; none that did not answer.

    Takes at most about `BUDGET_SECONDS`; progress is packages answered of all. Raises `Stopped`.
    """
    keys = {package: _cache_key(registries[package[0]], package) for package in packages}
    kept = cache.get_many(keys.values())
    found = {package: Newest(*kept[key]) for package, key in keys.items() if key in kept}
    asked = [package for package in packages if package not in found]
    work = _Work(stage, asked, done=len(found))
    if asked:
        _ask(context, work, asked, registries)
        cache.set_many(
            {keys[package]: (known.stable, known.of_all) for package, known in work.found.items()},
            _KEPT_SECONDS,
        )
    stage.at(1.0)
    return found | work.found


class _GaveUp(Exception):
    """The registries are not worth waiting for any longer."""


class _Work:
    """How far the questions are."""

    def __init__(self, stage: Stage, packages: Sequence[Package], done: int) -> None:
        self.found: dict[Package, Newest] = {}
        self._stage = stage
        self._packages = packages
        self._done = done
        self._count = done + len(packages)
        self._end = time.monotonic() + BUDGET_SECONDS
        self._remaining = Remaining()

    def take(self, line: bytes) -> None:
        """Take an answer that the process printed."""
        number, stable, of_all, problem = json.loads(line)
        if not problem or problem.startswith(_UNLISTED):
            self.found[self._packages[number]] = Newest(stable, of_all)
        self._done += 1
        fraction = self._done / self._count
        self._stage.at(fraction, self._seconds_left(fraction))

    def watch(self) -> None:
        """Give up when the time is over."""
        if time.monotonic() > self._end:
            raise _GaveUp

    def _seconds_left(self, fraction: float) -> float | None:
        seconds = self._remaining.seconds(fraction)
        return None if seconds is None else min(seconds, max(0.0, self._end - time.monotonic()))


def _ask(
    context: ToolContext, work: _Work, packages: Sequence[Package], registries: Mapping[str, str]
) -> None:
    stdin = context.workdir / "packages"
    stdin.write_text(json.dumps({"registries": dict(registries), "packages": packages}))
    command = python_command("agents_app.codebase.dependencies.looking_up", limits=_LIMITS, stdin=stdin)
    with suppress(_GaveUp, TooLong):
        run(
            context,
            _with_certificates(command),
            on_output=Lines(work.take),
            on_error=Tail(),
            watch=work.watch,
        )


def _with_certificates(command: Command) -> Command:
    """Return `command` with the operator's own certificate authorities, if any."""
    chosen = {name: os.environ[name] for name in _CERTIFICATES if name in os.environ}
    return replace(command, environment={**command.environment, **chosen})


def _cache_key(registry: str, package: Package) -> str:
    return "newest-version:" + hashlib.sha256("\0".join([registry, *package]).encode()).hexdigest()
