"""A model that is sent what fits into its context, and whose requests are counted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import RunContext
from pydantic_ai.usage import RequestUsage

from agents_app import message_sizes, prices
from agents_app.spending import Spent
from agents_app.tokens import Calibration
from agents_app.window import window

ANSWER_TOKENS = 8192
# An estimate that no provider has corrected yet may be too low.
_MARGIN = 0.9
_calibration = Calibration()


class WindowedModel(WrapperModel):
    """Wraps a model: windows what it is sent and adds to `spent` what each request took.

    A request that was cut off is counted too, by what the provider had reported or by an estimate.
    """

    def __init__(self, wrapped: Model, name: str, spent: list[Spent]) -> None:
        super().__init__(wrapped)
        self._name = name
        self._spent = spent
        # The demo model reads as much as one likes and costs nothing.
        self._is_real = wrapped.system != "function"
        self.context_tokens = prices.context_tokens(
            name, wrapped.model_name, wrapped.base_url, wrapped.system
        )

    @property
    def history_tokens(self) -> int:
        """Return the most tokens that are sent, however much the model could read."""
        answer = min(ANSWER_TOKENS, self.context_tokens // 4)
        return min(self.context_tokens - answer, settings.HISTORY_MAX_TOKENS)

    def budget(self, messages: list[ModelMessage], parameters: ModelRequestParameters) -> int:
        """Return the tokens, as estimated, that are left for messages beside all else in the context."""
        around = message_sizes.of_tools(parameters.function_tools) + message_sizes.of_instructions(messages)
        return round(self.history_tokens * _MARGIN / _calibration.factor(self._name)) - around

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Send what fits; count what it took, however it ends."""
        if self._is_real:
            messages = window(messages, self.budget(messages, model_request_parameters))
        async with self.wrapped.request_stream(
            messages, model_settings, model_request_parameters, run_context
        ) as stream:
            try:
                yield stream
            finally:
                if self._is_real:
                    self._count(messages, model_request_parameters, stream.get())

    def _count(
        self, messages: list[ModelMessage], parameters: ModelRequestParameters, response: ModelResponse
    ) -> None:
        sent = (
            message_sizes.of_messages(messages)
            + message_sizes.of_tools(parameters.function_tools)
            + message_sizes.of_instructions(messages)
        )
        usage, is_whole = response.usage, response.state == "complete" and bool(response.usage.output_tokens)
        if is_whole and usage.input_tokens:
            _calibration.learn(self._name, sent, usage.input_tokens)
        else:
            factor = _calibration.factor(self._name)
            usage = RequestUsage(
                input_tokens=usage.input_tokens or round(sent * factor),
                cache_read_tokens=usage.cache_read_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                output_tokens=max(usage.output_tokens, round(message_sizes.of_message(response) * factor)),
            )
        self._spent.append(
            Spent(
                model=self._name,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                cost_usd=prices.cost_usd(
                    usage,
                    response.model_name or self.model_name,
                    response.provider_url or self.base_url,
                    response.provider_name or self.system,
                    response.timestamp,
                ),
                is_estimate=not is_whole,
            )
        )
