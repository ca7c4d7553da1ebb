"""Markdown out of figures and out of text that is not trusted."""
