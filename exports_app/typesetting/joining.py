"""PDFs of typst to one, with their outlines, in a process of its own: `python -m … TARGET PART…`."""

import sys
from collections.abc import Iterator
from itertools import pairwise

import pikepdf
from pikepdf import Dictionary, Name, Object, Pdf

from exports_app.typesetting.clickable import unite


def main(target: str, *parts: str) -> int:
    """Join `parts` in order to `target`; return 1 with the reason on the standard error if it cannot be."""
    try:
        join(target, *parts)
    except (OSError, MemoryError) as error:
        print(getattr(error, "strerror", "") or "out of memory", file=sys.stderr)
        return 1
    except pikepdf.PdfError:  # which names places of the server
        print("one of its parts cannot be read.", file=sys.stderr)
        return 1
    return 0


def join(target: str, first: str, *others: str) -> None:
    """Write the pages of all parts to `target`; what is told of the file is what `first` tells of itself."""
    with Pdf.open(first) as joined:
        unite(joined)
        outline = list(_entries(joined.Root.get("/Outlines")))
        for path in others:
            with Pdf.open(path) as part:
                unite(part)
                joined.pages.extend(part.pages)
                copied = part.Root.get("/Outlines")
                outline += _entries(None if copied is None else joined.copy_foreign(copied))
        _set_outline(joined, outline)
        joined.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def _entries(outline: Object | None) -> Iterator[Object]:
    """Yield the entries of an outline of one level, as those of chats are."""
    entry = None if outline is None else outline.get("/First")
    while entry is not None:
        yield entry
        entry = entry.get("/Next")


def _set_outline(joined: Pdf, entries: list[Object]) -> None:
    """Give the file these entries as its outline: a chain in both directions."""
    if not entries:
        return
    root = joined.make_indirect(Dictionary(Type=Name.Outlines, First=entries[0], Last=entries[-1]))
    root.Count = len(entries)
    for entry in entries:
        entry.Parent = root
    for before, after in pairwise(entries):
        before.Next, after.Prev = after, before
    joined.Root.Outlines = root


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
