"""Websocket addresses."""

from django.urls import path, re_path

from sessions_app.consumers import NoSuchFeedConsumer, SessionFeedConsumer, StaffFeedConsumer

websocket_urlpatterns = [
    path("ws/sessions/<uuid:session_id>/", SessionFeedConsumer.as_asgi()),
    path("ws/staff/", StaffFeedConsumer.as_asgi()),
    re_path("", NoSuchFeedConsumer.as_asgi()),
]
