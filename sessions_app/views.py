"""The chat page."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie

from sessions_app.models import ChatSession


@ensure_csrf_cookie
@login_required
def chat(request: HttpRequest, session_id: UUID | None = None) -> HttpResponse:
    """Show the page; its scripts load the session that the address names."""
    if session_id and not ChatSession.objects.owned_by(request.user).filter(pk=session_id).exists():
        raise Http404("There is no such session.")
    return render(request, "sessions_app/chat.html")
