"""A typst program to PDF, in a process of its own: `python -m … SOURCE TARGET FOLDER [untagged]`.

It finds no package, and no file but the pictures of the export: its root, and where it would look for
packages, is FOLDER, which has nothing else. On the standard output it writes, as a JSON string, the
characters that no font has. Tags, for screen readers, take much memory.
"""

import json
import re
import sys
import unicodedata
from pathlib import Path

import typst

_LATIN_ENDS = "\u0250"
_NOT_SEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_LINE = re.compile(r"typst_py_bytes__\.typ:(\d+):")


def main(source: str, target: str, folder: str, tags: str = "") -> int:
    """Compile `source` to `target`; return 1 with the reason on the standard error if it cannot be."""
    program = Path(source).read_text(encoding="utf-8")
    fonts = typst.Fonts()
    missing = without_font(fonts, program)
    compiler = typst.Compiler(
        marked(program, missing).encode(),
        root=folder,
        font_paths=fonts,
        package_path=folder,
        package_cache_path=folder,
    )
    try:
        compiler.compile(output=target, format="pdf", pdf_tags=tags != "untagged")
    except typst.TypstError as error:
        print(error.message, file=sys.stderr)
        return 1
    print(json.dumps(missing))
    return 0


def without_font(fonts: typst.Fonts, text: str) -> str:
    """Return the characters of `text` that no font has, in order of their code.

    A PDF to be archived may not have any: the compiler names the lines of those it could not show.
    """
    characters = sorted(filter(_is_seen, set(text)))
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
