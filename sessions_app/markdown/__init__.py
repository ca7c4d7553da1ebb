"""Markdown of people, models and tools: safe HTML for a page, and parts for other forms."""

from sessions_app.markdown.addresses import FILE
from sessions_app.markdown.apart import apart, fenced
from sessions_app.markdown.changes import Change, changed
from sessions_app.markdown.parts import Part, parts
from sessions_app.markdown.reading import events
from sessions_app.markdown.rendering import render

__all__ = ["FILE", "Change", "Part", "apart", "changed", "events", "fenced", "parts", "render"]
