from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class AgentsConfig(AppConfig):
    name = "agents_app"
    verbose_name = "Agents"

    def ready(self) -> None:
        """Load the tools and fill the registries of the app below. Models exist only from here on, which
        is why these modules are imported here and not at the top."""
        tools = import_module("agents_app.tools")
        built_in = [f"{tools.__name__}.{module.name}" for module in iter_modules(tools.__path__)]
        for name in [*built_in, *settings.TOOL_MODULES]:
            import_module(name)
        import_module("agents_app.wiring").connect()
        post_migrate.connect(_ensure_pools, sender=self)


def _ensure_pools(sender: AppConfig, using: str, **_: Any) -> None:
    """Make sure that the pools exist; caps that an operator changed stay."""
    Pool = import_module("agents_app.models").Pool  # noqa: N806  # a class
    for name, cap in settings.POOL_DEFAULTS.items():
        Pool.objects.using(using).get_or_create(name=name, defaults={"cap": cap})
