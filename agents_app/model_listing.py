"""Ask each configured provider which models it offers, so that users can pick them."""

import asyncio
import logging
from collections.abc import Iterator

from agents_app import llm, model_providers
from agents_app.model_providers import Endpoint, ModelProvider
from agents_app.turn_thread import TurnThread

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 15


def refresh() -> None:
    """Ask all, one after the other, and store what each answered or why it did not."""
    for name, endpoint in list(_configured()):
        try:
            listed = TurnThread().run(_listed(endpoint))
        except Exception as error:  # noqa: BLE001  # a provider's client raises what it likes
            logger.warning("the models of %s could not be listed: %s", name, error)
            model_providers.store_failure(name, endpoint.kind, f"{type(error).__name__}: {error}")
        else:
            model_providers.store_list(name, endpoint.kind, listed)


async def _listed(endpoint: Endpoint) -> list[str]:
    return await asyncio.wait_for(llm.provider(endpoint.kind).list_models(endpoint), TIMEOUT_SECONDS)


def _configured() -> Iterator[tuple[str, Endpoint]]:
    rows = {row.name: row for row in ModelProvider.objects.all()}
    for row in rows.values():
        if row.enabled:
            yield row.name, model_providers.endpoint(row.kind, row)
    for kind in model_providers.configured_by_environment():
        if kind not in rows:
            yield kind, model_providers.endpoint(kind)
