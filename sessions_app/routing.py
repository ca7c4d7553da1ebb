"""Websocket addresses."""

from django.urls import path

from sessions_app.consumers import SessionFeedConsumer

websocket_urlpatterns = [path("ws/sessions/<uuid:session_id>/", SessionFeedConsumer.as_asgi())]
