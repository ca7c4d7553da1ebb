"""REST errors as RFC 9457 problem documents with a stable `code`."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from sessions_app.errors import Refusal

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_CODES = {
    "ParseError": "malformed_json",
    "NotAuthenticated": "not_authenticated",
    "AuthenticationFailed": "authentication_failed",
    "PermissionDenied": "permission_denied",
    "MethodNotAllowed": "method_not_allowed",
    "UnsupportedMediaType": "unsupported_media_type",
    "NotAcceptable": "not_acceptable",
    "Throttled": "throttled",
    "NotFound": "not_found",
    "ValidationError": "invalid_request",
}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of a REST view into a problem document; a bug is logged and told as a 500."""
    if isinstance(error, Refusal):
        return _response(error.status, error.code, error.detail, error.extra)
    if isinstance(error, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return _response(413, "request_too_large", f"A request has at most {limit} bytes.", {})
    if isinstance(error, OperationalError):
        logger.error("the database failed a REST view", exc_info=error)
        set_rollback()
        detail = "The database does not answer, or has no room left. Try again later."
        return _response(503, "database_unavailable", detail, {"retry_after_seconds": 10})
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        logger.error("a REST view failed", exc_info=error)
        set_rollback()
        return _response(500, "internal_error", "The server made a mistake; its log says more.", {})
    code = _CODES.get(type(error).__name__, str(error.default_code))
    extra = {"errors": response.data} if isinstance(error, exceptions.ValidationError) else {}
    problem = _response(response.status_code, code, _sentence(error), extra)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in response:
            problem[name] = response[name]
    return problem


def as_response(refusal: Refusal) -> JsonResponse:
    """Return the problem document of a refusal outside the REST framework's views."""
    problem = _response(refusal.status, refusal.code, refusal.detail, refusal.extra)
    response = JsonResponse(problem.data, status=refusal.status, content_type=CONTENT_TYPE)
    if "Retry-After" in problem:
        response["Retry-After"] = problem["Retry-After"]
    return response


def _response(status: int, code: str, detail: str, extra: dict[str, Any]) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
    }
    body |= {"detail": detail, "code": code, **extra}
    headers = {"Retry-After": str(extra["retry_after_seconds"])} if "retry_after_seconds" in extra else None
    return Response(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def _sentence(error: exceptions.APIException) -> str:
    detail = error.detail
    if isinstance(detail, dict):
        return "; ".join(f"{name}: {_first(reasons)}" for name, reasons in detail.items())
    return str(_first(detail))


def _first(reasons: Any) -> Any:
    return reasons[0] if isinstance(reasons, list) and reasons else reasons
