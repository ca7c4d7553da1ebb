"""Markdown in parts, for forms other than HTML: what a page shows, with its addresses and code made out."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sessions_app.markdown import addresses
from sessions_app.markdown.changes import Unsettled
from sessions_app.markdown.meant import as_meant
from sessions_app.markdown.reading import events

_IN_LINES = {"Emphasis", "Strong", "Strikethrough", "Link", ""}


class Part(NamedTuple):
    """What begins (`Start`) or ends (`End`), by its name, or what stands in it.

    `detail` is the level of a heading, the first number of a list or None, the address of a link, the
    alignments of a table, that of a cell, what stands beside the fence of a block of code or None, whether a
    task is done. `depth` is how many it is in; `line`, of what begins and of code, counts from 0.
    """

    kind: str
    name: str = ""
    words: str = ""
    detail: Any = None
    depth: int = 0
    line: int = 0

    @property
    def is_in_line(self) -> bool:
        """Whether the words before and after it are of one line."""
        return self.kind in ("Text", "Code") or (self.kind in ("Start", "End") and self.name in _IN_LINES)


def parts(text: str, *, definitions: Iterable[str] = ()) -> Iterator[Part]:
    """Yield the parts of Markdown `text`; one paragraph of its words if it is none that anybody could read.

    It knows `definitions` of links beside its own.
    """
    head = "".join(f"{line}\n\n" for line in definitions)
    try:
        meant, links = as_meant(head + text)
    except Unsettled:
        paragraph = Part("Start", "Paragraph")
        return iter([paragraph, Part("Text", words=text, depth=1), paragraph._replace(kind="End")])
    return _Reading(meant, links, line=-head.count("\n")).parts()


class _Reading:
    """Where one that reads is in a text."""

    def __init__(self, meant: str, links: addresses.Links, *, line: int) -> None:
        self._meant = meant
        self._data = meant.encode()
        self._links = links
        self._line = line
        self._depth = self._seen = 0
        self._code: Part | None = None
        self._aligned: tuple[str, ...] = ()
        self._cells: Iterator[str] = iter(())

    def parts(self) -> Iterator[Part]:
        for kind, value, start, _ in events(self._meant):
            if kind == "Start":
                name, detail = value
                yield from self._begin(name, detail, start)
            elif kind == "End":
                yield self._end(value[0])
            elif self._code:
                self._code = self._code._replace(words=self._code.words + value)
            elif kind == "Text":
                yield from self._text(value)
            elif kind == "TaskListMarker":
                yield Part(kind, detail=value, depth=self._depth)
            else:
                words = "".join(words for words, _ in self._links.split(value or ""))
                yield Part(kind, words=words, depth=self._depth)

    def _begin(self, name: str, detail: Any, start: int) -> Iterator[Part]:
        self._line += self._data.count(b"\n", self._seen, start)
        self._seen = max(start, self._seen)
        part = Part("Start", name, detail=self._made_out(name, detail), depth=self._depth, line=self._line)
        if name == "CodeBlock":
            self._code = part._replace(kind=name, name="")
        else:
            self._depth += 1
            yield part

    def _end(self, name: str) -> Part:
        if code := self._code:
            self._code = None
            return code
        self._depth -= 1
        return Part("End", name, depth=self._depth)

    def _text(self, text: str) -> Iterator[Part]:
        for words, address in self._links.split(text):
            if address:
                yield Part("Start", "Link", detail=address, depth=self._depth)
                yield Part("Text", words=words, depth=self._depth + 1)
                yield Part("End", "Link", depth=self._depth)
            elif words:
                yield Part("Text", words=words, depth=self._depth)

    def _made_out(self, name: str, detail: Any) -> Any:
        match name:
            case "Heading":
                return int(detail["level"][1])
            case "Link":
                to = "mailto:" if detail["link_type"] == "Email" else ""
                return addresses.encoded(to + detail["dest_url"])
            case "CodeBlock":
                return detail["Fenced"] if isinstance(detail, dict) else None
            case "Table":
                self._aligned = detail
            case "TableHead" | "TableRow":
                self._cells = iter(self._aligned)
            case "TableCell":
                return next(self._cells, "None")
        return detail
