"""Who opens a websocket: a browser by its session cookie, a program by its API token.

A browser sends its cookie to whatever page asks, so a cookie counts only with an allowed Origin. A token
is sent on purpose and needs none.
"""

from functools import partial
from typing import Any
from urllib.parse import urlparse

from channels.security.websocket import OriginValidator
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, parse_cookie
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from sessions_app.feed.threads import in_thread


class WebsocketAuth:
    """ASGI middleware that sets `scope["user"]`, and `scope["origin_refused"]` where that is the reason.

    `scope["authenticate"]()` finds the user anew, as an open socket has to now and then: logins end.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._origins = OriginValidator(application, settings.ALLOWED_HOSTS)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Authenticate, then go on; the consumer refuses, because only an open socket can carry a reason."""
        headers = dict(scope["headers"])
        if b"authorization" in headers:
            authenticate = partial(_user_of, headers[b"authorization"])
        elif self._allowed(headers.get(b"origin")):
            authenticate = partial(_user_of_cookie, headers.get(b"cookie", b""))
        else:
            refused = {"user": AnonymousUser(), "origin_refused": True}
            return await self._application(scope | refused, receive, send)
        known = {"user": await authenticate(), "authenticate": authenticate}
        return await self._application(scope | known, receive, send)

    def _allowed(self, origin: bytes | None) -> bool:
        if origin is None:
            return False
        return bool(self._origins.valid_origin(urlparse(origin.decode("latin-1"))))


@in_thread
def _user_of_cookie(header: bytes) -> Any:
    """Return whom a page would see behind this Cookie header.

    Channels' own middleware does the same and then stays between the consumer and the socket, where each
    frame would pay for it.
    """
    request = HttpRequest()
    cookies = parse_cookie(header.decode("latin-1"))
    request.session = SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    return get_user(request)


@in_thread
def _user_of(header: bytes) -> Any:
    """Return whom REST would see behind this Authorization header."""
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = header.decode("latin-1")
    try:
        found = TokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        found = None
    return found[0] if found else AnonymousUser()
