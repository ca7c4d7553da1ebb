"""Static files from the packages' own folders, without a thread for each request that waits."""

from asyncio import iscoroutine
from collections.abc import Callable, Coroutine
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise for both kinds of server.

    Its own middleware is synchronous only: under ASGI Django then runs all that is behind it in one thread a
    request, for as long as the request takes.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Coroutine[Any, Any, HttpResponseBase]:
        """Answer with the file, or ask what is behind this."""
        return self._answer(request) if iscoroutinefunction(self) else super().__call__(request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        # Looking for a file costs system calls, and only addresses under STATIC_URL can be one.
        if not request.path_info.startswith(self.static_prefix):
            return await self.get_response(request)
        answer = await sync_to_async(super().__call__, thread_sensitive=False)(request)
        return await answer if iscoroutine(answer) else answer
