from importlib import import_module
from pkgutil import iter_modules

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports_app"
    verbose_name = "Exports"

    def ready(self) -> None:
        """Load the renderers and make exports known to the agents and the snapshot below."""
        renderers = import_module("exports_app.renderers")
        for module in iter_modules(renderers.__path__):
            import_module(f"{renderers.__name__}.{module.name}")
        import_module("exports_app.wiring").connect()
