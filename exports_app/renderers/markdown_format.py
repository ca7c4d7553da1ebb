"""Markdown that reads well raw, streamed."""

import re

import yaml

from exports_app import words
from exports_app.document import DocumentMessage, SessionDocument
from exports_app.formats import Tick, Write, export_format
from exports_app.pictures import links
from exports_app.pictures.attached import Attachments
from exports_app.typesetting.embedding import embedded
from sessions_app import markdown

_OUR_LEVEL = 2
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)
_NO_WRAPPING = 1_000_000


@export_format(name="markdown", title="Markdown", content_type="text/markdown; charset=utf-8", suffix=".md")
def render_markdown(document: SessionDocument, write: Write, tick: Tick) -> None:
    """Write the metadata as front matter if it is wanted, a title, and each entry under a heading of its own.

    Headings inside a message stand below those of the export, HTML in it is shown as it stands, and what it
    leaves open is closed.
    """
    metadata = document.options.include_metadata
    write(_front_matter(document) if metadata else "")
    write(f"# {_one_line(document.title)}\n")
    written = 0
    for entry in document.entries():
        if isinstance(entry, DocumentMessage):
            write(_message(entry, metadata, document.pictures))
            tick(written := written + 1)
        else:
            write(_work(entry, metadata))
    write("" if written else "\nThere are no messages.\n")


class _Words(str):
    """Text that no reader of YAML takes for a number, a date or a yes."""

    __slots__ = ()


class _Plain(yaml.SafeDumper):
    """Writes what stands in two places twice, and words in quotation marks."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Plain.add_representer(
    _Words, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def _front_matter(document: SessionDocument) -> str:
    known = {
        "title": _Words(document.title),
        "session": str(document.id),
        "owner": _Words(document.owner),
        "model": _Words(document.model),
        "started": document.created_at,
        "exported": document.exported_at,
        "messages": document.message_count,
        "first_message": document.first_number,
        "usage": document.usage,
    }
    told = {name: value for name, value in known.items() if value not in (None, "")}
    lines = yaml.dump(told, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=_NO_WRAPPING)
    return f"---\n{lines}---\n\n"


def _message(message: DocumentMessage, metadata: bool, files: Attachments) -> str:
    facts = "".join(f" · {_one_line(fact)}" for fact in words.about_message(message, metadata=metadata))
    return f"\n---\n\n## {words.speaker(message)}{facts}\n\n{_content(message.content, files)}\n"


def _content(content: str, files: Attachments) -> str:
    """Return a message that is no more than words of its own: a viewer would take its HTML for ours."""
    said = markdown.apart(words.visible(content))
    named = links.without_links(said, files)
    # What stood around a link may be HTML without it.
    return embedded(named if named == said else markdown.apart(named), below=_OUR_LEVEL)


def _work(work: words.Work, metadata: bool) -> str:
    """Return a section that viewers of Markdown fold; raw it is a line and blocks of code."""
    facts = "".join(f" · {fact}" for fact in words.about_work(work, metadata=metadata))
    parts = "".join(
        f"**{label}**\n\n{markdown.fenced(words.visible(text), language)}\n\n"
        for label, text, language in words.parts(work)
    )
    return f"\n<details>\n<summary>{_in_html(words.title(work))}{facts}</summary>\n\n{parts}</details>\n"


def _in_html(text: str) -> str:
    """Return text on a line of raw HTML that shows it and nothing else."""
    return re.sub("[<>&]", lambda found: f"&#{ord(found[0])};", _joined(text))


def _one_line(text: str) -> str:
    """Return text that cannot begin a new block or become markup."""
    escaped = re.sub(r"([\\`*_~&\[\]<>#|])", r"\\\1", _joined(text))
    # A viewer that finds addresses has the backslash in one, and then `<` is none that is escaped.
    return escaped.replace(r"\<", "&lt;") if _ADDRESS.search(text) else escaped


def _joined(text: str) -> str:
    return words.visible(" ".join(text.split()))
