"""Which language models there are and where they are reached.

A provider is a file of `agents_app/llm/`. It is configured by the environment, under its usual names
(`OPENAI_API_KEY`, `OPENAI_BASE_URL`, …), or by a row that an operator makes: several rows may speak the
same API at other addresses. This module never imports the models' library: every process uses it.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.db.models.functions import Now

from sessions_app import plain
from sessions_app.errors import Refusal

LISTED_MAX = 500
NAME_MAX_CHARACTERS = 200
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_KEY_NAMES = {"google": ("GOOGLE_API_KEY", "GEMINI_API_KEY")}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a provider's models are reached: its file, the address if not the usual one, the key if any."""

    kind: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)


class ModelProvider(models.Model):
    """A provider that is configured, by an operator here or by the environment, and the models it offers."""

    name = models.SlugField(
        primary_key=True, max_length=40, help_text="stands before the colon: openai in openai:gpt-5"
    )
    kind = models.CharField(
        max_length=40, help_text="whose API it speaks; openai for all that are compatible with it"
    )
    base_url = models.CharField(
        max_length=500,
        blank=True,
        validators=[URLValidator(["http", "https"])],
        help_text="empty for the provider's own address or the environment's",
    )
    api_key = models.CharField(max_length=1000, blank=True, help_text="empty for the environment's")
    offered = models.TextField(
        blank=True, help_text="the models that users may pick, one a line; empty for all that it lists"
    )
    enabled = models.BooleanField(default=True)
    listed = models.JSONField(default=list, blank=True, editable=False)
    listed_at = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.TextField(blank=True, editable=False, help_text="why its models could not be listed")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def models(self) -> list[str]:
        """Return the models that users may pick, without the provider's name."""
        return [line.strip() for line in self.offered.splitlines() if line.strip()] or list(self.listed)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A model that a user may pick."""

    name: str
    provider: str
    is_default: bool


def kinds() -> list[str]:
    """Return the names of the providers' files."""
    return sorted(module.name for module in iter_modules([str(Path(__file__).parent / "llm")]))


def endpoint_of(model: str) -> Endpoint:
    """Return where the model called `provider:model` is reached.

    Raises `Refusal` (`unknown_model`, `model_disabled`).
    """
    name = model.partition(":")[0]
    row = ModelProvider.objects.filter(pk=name).first()
    if row is None:
        if name not in kinds():
            raise _unknown(model)
        return endpoint(name)
    if not row.enabled:
        raise Refusal("model_disabled", f"{model} was switched off by an operator: choose another model.")
    return endpoint(row.kind, row)


def endpoint(kind: str, row: ModelProvider | None = None) -> Endpoint:
    """Return the endpoint of a row; what it leaves open comes from the environment.

    The environment's key goes to the environment's address only: another one would get to see it.
    """
    base_url, api_key = (row.base_url, row.api_key) if row else ("", "")
    if not base_url:
        base_url, api_key = _from_environment(kind, "BASE_URL"), api_key or _from_environment(kind, "API_KEY")
    return Endpoint(kind=kind, base_url=base_url, api_key=api_key)


def configured_by_environment() -> Iterator[str]:
    """Yield the providers that the environment configures: with a key, an address, or as the default."""
    default = settings.MCPCHAT_MODEL.partition(":")[0]
    for kind in kinds():
        if kind == default or _from_environment(kind, "API_KEY") or _from_environment(kind, "BASE_URL"):
            yield kind


def choices() -> list[Choice]:
    """Return the models that users may pick: the installation's default first, then by provider and name."""
    default = settings.MCPCHAT_MODEL
    names = {default: None} | dict.fromkeys(_offered())
    return [Choice(name=name, provider=name.partition(":")[0], is_default=name == default) for name in names]


def check_choice(name: str) -> None:
    """Raise `Refusal` (`unknown_model`) unless users may pick this model; empty means the default."""
    if name and all(choice.name != name for choice in choices()):
        raise _unknown(name)


def store_list(name: str, kind: str, listed: Iterable[str]) -> None:
    """Store what a provider answered; its row is made if the environment alone configured it."""
    names = [clean for text in listed if (clean := plain.text(str(text), NAME_MAX_CHARACTERS - 41).strip())]
    _store(name, kind, listed=sorted(set(names))[:LISTED_MAX], error="")


def store_failure(name: str, kind: str, error: str) -> None:
    """Store why a provider did not answer; what it listed before stays."""
    _store(name, kind, error=plain.text(error, 1000))


def check_name(name: str) -> None:
    """Raise `ValueError` for a name that cannot stand before the colon."""
    if not _NAME.fullmatch(name):
        raise ValueError("A name is lower-case letters, digits, _ and -, and begins with a letter.")


def _store(name: str, kind: str, **values: Any) -> None:
    ModelProvider.objects.update_or_create(
        pk=name,
        defaults={**values, "listed_at": Now()},
        create_defaults={**values, "kind": kind, "listed_at": Now()},
    )


def _offered() -> Iterator[str]:
    for row in ModelProvider.objects.filter(enabled=True):
        for model in row.models():
            yield row.name if row.kind == "demo" else f"{row.name}:{model}"


def _from_environment(kind: str, suffix: str) -> str:
    usual = (f"{kind.upper()}_{suffix}",)
    names = _KEY_NAMES.get(kind, usual) if suffix == "API_KEY" else usual
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _unknown(model: str) -> Refusal:
    known = ", ".join(sorted({*kinds(), *ModelProvider.objects.values_list("pk", flat=True)}))
    return Refusal("unknown_model", f"There is no model {model[:80]!r} here. Providers: {known}.")
