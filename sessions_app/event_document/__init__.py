"""Renders the event contract as `docs/events.md`, for who writes a client in any language."""

from sessions_app.event_document.rendering import render

__all__ = ["render"]
