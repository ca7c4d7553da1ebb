"""A typst program to PDF, in a process of its own: `python -m … SOURCE TARGET FOLDER`.

It finds no file and no package: its root, and where it would look for packages, is an empty folder.
"""

import sys
from pathlib import Path

import typst


def main(source: str, target: str, folder: str) -> int:
    """Compile `source` to `target`; return 1 with the reason on the standard error if it cannot be."""
    try:
        compiler = typst.Compiler(
            Path(source).read_bytes(),
            root=folder,
            package_path=folder,
            package_cache_path=folder,
        )
        compiler.compile(output=target, format="pdf")
    except typst.TypstError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
