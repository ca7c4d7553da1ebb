"""Markdown of people, models and tools: safe HTML for a page, and parts for other forms."""

from sessions_app.markdown.raw_html import shown
from sessions_app.markdown.reading import events
from sessions_app.markdown.rendering import render
from sessions_app.markdown.tokens import parse

__all__ = ["events", "parse", "render", "shown"]
