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
    shown = markdown.render(text, relative_links=False)
    return f'{opening(title)}<main class="prose">\n{shown}</main>\n{closing(made)}'


def opening(title: str, *, theme: str = "light", sheet: str = "", pictures: bool = False) -> str:
    """Return the page up to its content, with a style `sheet` of this package beside its own.

    A light page is dark where the reader prefers that; a dark one is always dark. It shows no `pictures` but
    those that it has in itself.
    """
    look = _look(sheet, theme)
    digest = base64.b64encode(hashlib.sha256(look.encode()).digest()).decode()
    images = "img-src data:; " if pictures else ""
    policy = f"default-src 'none'; {images}style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{look}</style>\n</head>\n<body>\n"
    )


def closing(made: str) -> str:
    """Return the foot of the page."""
    return f"<footer>{escape(made)}</footer>\n</body>\n</html>\n"


@cache
def _look(sheet: str, theme: str) -> str:
    """Return the style sheet: the page's own, and those of the chat for text and charts."""
    own = ["page.css", *([sheet] if sheet else [])]
    shared = [finders.find(name) for name in _SHARED_SHEETS]
    paths = [*(Path(__file__).parent / name for name in own), *(Path(str(path)) for path in shared if path)]
    always_dark = ["@media screen {\n  :root {\n    color-scheme: dark;\n  }\n}\n"] if theme == "dark" else []
    return "\n".join([*(path.read_text(encoding="utf-8") for path in paths), *always_dark])
