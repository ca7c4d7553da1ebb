"""A Markdown document as one page of HTML: no script, nothing from elsewhere; light, dark, on paper."""

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path

from django.contrib.staticfiles import finders

from sessions_app import markdown

_SHARED_SHEETS = ("sessions_app/css/prose.css", "sessions_app/css/chart.css")


def html(text: str, *, title: str, made: str) -> str:
    """Return the page that shows Markdown `text`; `made` says at its foot who made it, and when.

    Links that lead nowhere outside this server are shown as their words.
    """
    look = _look()
    digest = base64.b64encode(hashlib.sha256(look.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{look}</style>\n</head>\n<body>\n"
        f'<main class="prose">\n{markdown.render(text, relative_links=False)}</main>\n'
        f"<footer>{escape(made)}</footer>\n</body>\n</html>\n"
    )


@cache
def _look() -> str:
    """Return the style sheet: the page's own, and those of the chat for text and charts."""
    shared = [finders.find(name) for name in _SHARED_SHEETS]
    paths = [Path(__file__).parent / "page.css", *(Path(str(path)) for path in shared if path)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
