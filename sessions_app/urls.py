"""Addresses of sessions: the chat page and its REST resources."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from sessions_app import api, views
from sessions_app.event_stream import follows

router = SimpleRouter(use_regex_path=False)
router.register("sessions", api.SessionViewSet, basename="session")
router.register("sessions/<uuid:session_id>/messages", api.MessageViewSet, basename="message")

urlpatterns = [
    path("", views.chat, name="chat"),
    path("sessions/<uuid:session_id>/", views.chat, name="session"),
    path("api/sessions/<uuid:session_id>/events/", follows(api.EventsView.as_view()), name="session-events"),
    path("api/", include(router.urls)),
]
