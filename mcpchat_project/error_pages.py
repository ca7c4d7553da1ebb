"""What is shown where nothing is, and where something broke: a page to people, a problem to programs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sessions_app.errors import Refusal
from sessions_app.problems import as_response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that there is not."""
    if request.path.startswith("/api/"):
        return as_response(Refusal("not_found", "There is nothing at this address.", status=404))
    return render(request, "sessions_app/not_found.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer a request that met a bug; nothing here may need what could be broken."""
    detail = "The server made a mistake; its log says more."
    if request.path.startswith("/api/"):
        return as_response(Refusal("internal_error", detail, status=500))
    return HttpResponse(f"{detail}\n", status=500, content_type="text/plain")
