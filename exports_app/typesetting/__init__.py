"""Markdown documents as files to keep: a page of HTML that needs nothing else, and PDF."""
