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

_DIRECTED_OR_HEADING = re.compile(r"<(?:(ul|ol|blockquote|table)\b|(/?)h([1-6])>)")
# None of these can stand in a text, where `<` is `&lt;`.
_IN_THIS_PAGE = {
    "<table>": '<div class="table-frame"><table>',
    "</table>": "</table></div>",
    "<br>\n": "<br>",
    '<input disabled="disabled" type="checkbox">': '<input disabled type="checkbox" aria-label="To do">',
    '<input disabled="disabled" type="checkbox" checked="checked">': (
        '<input disabled type="checkbox" checked aria-label="Done">'
    ),
}
_OUR_LEVEL = 2
_LOWEST = 6


@export_format(name="html", title="HTML", content_type="text/html; charset=utf-8", suffix=".html")
def render_html(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write the page; each message has the address `#message-NUMBER` in it, calls are folded."""
    metadata = document.options.include_metadata
    title, theme = words.visible(document.title), document.options.theme
    write(page.opening(title, theme=theme, sheet="session.css", pictures=True))
    write(f'<main>\n<h1 class="session-title" dir="auto">{escape(title)}</h1>\n')
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
        f'<article class="message {_text(message.role)}" id="{anchor}">\n'
        f'<h2><a href="#{anchor}">{words.speaker(message)}</a>{facts}</h2>\n'
        f'<div class="prose">\n{inserting.with_files(_said(message.content), files)}</div>\n</article>\n'
    )


def _said(content: str) -> str:
    """Return a message as a part of this page: headings stand below ours, wide tables scroll by themselves.

    Marks of lists, lines beside quotes and first columns stand where text begins, which a style cannot say.
    """
    shown = markdown.render(words.visible(content), relative_links=False, file_links=True)
    for plain, ours in _IN_THIS_PAGE.items():
        shown = shown.replace(plain, ours)
    return _DIRECTED_OR_HEADING.sub(_directed_or_lowered, shown)


def _directed_or_lowered(tag: re.Match[str]) -> str:
    if tag[1]:
        return f'<{tag[1]} dir="auto"'
    return f"<{tag[2]}h{min(int(tag[3]) + _OUR_LEVEL, _LOWEST)}>"


def _work(work: words.Work, metadata: bool) -> str:
    facts = _facts(words.about_work(work, metadata=metadata), "span")
    parts = "".join(
        f"<h3>{_text(label)}</h3>\n<pre><code>{_text(text)}</code></pre>\n"
        for label, text, _language in words.parts(work)
    )
    return (
        f'<details class="work {_text(work.state)}">\n'
        f'<summary><strong dir="auto">{_text(words.title(work))}</strong>{facts}</summary>\n'
        f"{parts}</details>\n"
    )


def _delivered(work: words.Work, files: Attachments) -> str:
    shown = "".join(
        inserting.element(attached, _text(attached.name)) for attached in delivered.pictures(work, files)
    )
    return f'<p class="delivered">{shown}</p>\n' if shown else ""


def _text(text: str) -> str:
    return escape(words.visible(text))


def _facts(known: list[str], tag: str) -> str:
    return f'<{tag} class="facts">{_text("  ·  ".join(known))}</{tag}>' if known else ""
