"""Programs of typst to PDF, in a process of its own: `python -m … FOLDER tagged|untagged PAGE SOURCE…`.

It finds no package, and no file but the pictures of the export: its root, and where it would look for
packages, is FOLDER, which has nothing else. Each `part.typ` becomes a `part.pdf`; it knows as `first-page`
the number of its first page, which is PAGE for the first and goes on from one to the next. Of each, a line of
JSON on the standard output tells how many `pages` it has and, as `missing`, which characters no font has.
Tags, for screen readers, take much memory.
"""

import json
import re
import sys
import unicodedata
from functools import cache
from pathlib import Path

import pikepdf
import typst

_LATIN_ENDS = "\u0250"
_NOT_SEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_PRIVATE = "Co"
"""What a font has there is something else in each."""
_DEVANAGARI = range(0x0900, 0x0980)
"""In the compiler's own fonts its letters are for formulas: they do not join there, as those of words do."""
_LINE = re.compile(r"typst_py_bytes__\.typ:(\d+):")
# Of what the compiler keeps of one program to be quicker with the next, it drops what as many did not use.
_COMPILATIONS_KEPT = 11


def main(folder: str, tags: str, first_page: str, *sources: str) -> int:
    """Compile `sources`; return 1 with the reason on the standard error if one of them cannot be."""
    typesetter = Typesetter(folder, tags=tags == "tagged")
    page = int(first_page)
    for source in map(Path, sources):
        try:
            pages, missing = typesetter.compile(source, page)
        except typst.TypstError as error:
            print(error.message, file=sys.stderr)
            return 1
        print(json.dumps({"pages": pages, "missing": missing}), flush=True)
        page += pages
    return 0


class Typesetter:
    """Compiles one program after another; its memory does not grow with their number."""

    def __init__(self, folder: str, *, tags: bool) -> None:
        self._folder = folder
        self._tags = tags
        self._fonts = typst.Fonts()
        self._known: set[str] = set()
        self._missing: set[str] = set()

    def compile(self, source: Path, first_page: int) -> tuple[int, str]:
        """Write `source` as PDF beside it; return its number of pages and the characters that no font has."""
        program, target = source.read_text(encoding="utf-8"), source.with_suffix(".pdf")
        characters = set(program)
        self._look_up(characters)
        missing = "".join(sorted(self._missing & characters))
        whole = f"#let first-page = {first_page}\n{marked(program, missing)}"
        self._compiler(whole).compile(output=str(target), format="pdf", pdf_tags=self._tags)
        for _ in range(_COMPILATIONS_KEPT):
            self._compiler("").compile(format="svg")
        with pikepdf.open(target) as made:
            return len(made.pages), missing

    def _look_up(self, characters: set[str]) -> None:
        new = characters - self._known
        private = {character for character in new if unicodedata.category(character) == _PRIVATE}
        joined = {character for character in new if ord(character) in _DEVANAGARI}
        self._missing |= private | set(without_font(self._fonts, new - private - joined))
        self._missing |= set(without_font(installed_fonts(), joined)) if joined else set()
        self._known |= characters

    def _compiler(self, program: str) -> typst.Compiler:
        return typst.Compiler(
            program.encode(),
            root=self._folder,
            font_paths=self._fonts,
            package_path=self._folder,
            package_cache_path=self._folder,
        )


@cache
def installed_fonts() -> typst.Fonts:
    """Return the fonts of this machine, without those that come with the compiler."""
    return typst.Fonts(include_embedded_fonts=False)


def without_font(fonts: typst.Fonts, text: set[str]) -> str:
    """Return the characters of `text` that no font has, in order of their code.

    A PDF to be archived may not have any: the compiler names the lines of those it could not show.
    """
    characters = sorted(filter(_is_seen, text))
    if not characters or not fonts.families():
        return "".join(characters)
    # A letter before each, for those that combine.
    lines = (f'#text("o{character}")' for character in characters)
    try:
        typst.Compiler("\n".join(lines).encode(), font_paths=fonts).compile(
            format="pdf", pdf_standards="a-2b"
        )
    except typst.TypstError as error:
        return "".join(
            characters[line - 1] for line in sorted(set(map(int, _LINE.findall(error.diagnostic))))
        )
    return ""


def _is_seen(character: str) -> bool:
    return character >= _LATIN_ENDS and unicodedata.category(character) not in _NOT_SEEN


def marked(text: str, missing: str) -> str:
    """Return `text` with the codes of characters, such as `[U+0E01 U+0E02]`, in place of those `missing`."""
    if not missing:
        return text
    return re.sub(f"[{re.escape(missing)}]+", lambda run: f"[{' '.join(map(_code, run[0]))}]", text)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except OSError as error:  # mostly a disk without room: in words, without the places of the server
        sys.exit(str(error.strerror or error))
