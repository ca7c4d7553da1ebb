"""HTML: one page that needs nothing else, without script, streamed message by message."""

import re
from html import escape

from exports_app import delivered, words
from exports_app.document import DocumentMessage, SessionDocument
from exports_app.formats import Tick, Write, export_format
from exports_app.pictures import inserting
from exports_app.pictures.attached import Attachments
from exports_app.typesetting import page
from sessions_app import markdown

_LISTS = re.compile(r"<(ul|ol)\b")


@export_format(name="html", title="HTML", content_type="text/html; charset=utf-8", suffix=".html")
def render_html(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write the page; each message has the address `#message-NUMBER` in it, calls are folded."""
    metadata = document.options.include_metadata
    write(page.opening(document.title, theme=document.options.theme, sheet="session.css", pictures=True))
    write(f'<main>\n<h1 class="session-title" dir="auto">{escape(document.title)}</h1>\n')
    write(_facts([f"{label}: {value}" for label, value in words.about_session(document).items()], "p"))
    written = 0
    for entry in document.entries():
        if isinstance(entry, DocumentMessage):
            write(_message(entry, metadata, document.pictures))
            tick(written := written + 1)
        else:
            write(_work(entry, metadata))
            write(_delivered(entry, document.pictures))
    write("" if written else '<p class="facts">There are no messages.</p>\n')
    write("</main>\n")
    write(page.closing(f"MCP Chat · {words.moment(document.exported_at)}" if metadata else "MCP Chat"))


def _message(message: DocumentMessage, metadata: bool, files: Attachments) -> str:
    anchor = f"message-{message.number}"
    facts = _facts(words.about_message(message, metadata=metadata), "span")
    return (
        f'<article class="message {escape(message.role)}" id="{anchor}">\n'
        f'<h2><a href="#{anchor}">{words.speaker(message)}</a>{facts}</h2>\n'
        f'<div class="prose">\n{inserting.with_files(_said(message.content), files)}</div>\n</article>\n'
    )


def _said(content: str) -> str:
    """Return a message; the marks of a list stand where its text begins, which a style cannot say."""
    shown = markdown.render(content, relative_links=False, file_links=True)
    return _LISTS.sub(r'<\1 dir="auto"', shown)


def _work(work: words.Work, metadata: bool) -> str:
    facts = _facts(words.about_work(work, metadata=metadata), "span")
    parts = "".join(
        f"<h3>{escape(label)}</h3>\n<pre><code>{escape(text)}</code></pre>\n"
        for label, text, _language in words.parts(work)
    )
    return (
        f'<details class="work {escape(work.state)}">\n'
        f'<summary><strong dir="auto">{escape(words.title(work))}</strong>{facts}</summary>\n'
        f"{parts}</details>\n"
    )


def _delivered(work: words.Work, files: Attachments) -> str:
    shown = "".join(
        inserting.element(attached, escape(attached.name)) for attached in delivered.pictures(work, files)
    )
    return f'<p class="delivered">{shown}</p>\n' if shown else ""


def _facts(known: list[str], tag: str) -> str:
    return f'<{tag} class="facts">{escape("  ·  ".join(known))}</{tag}>' if known else ""
