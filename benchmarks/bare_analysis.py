"""python -m benchmarks.bare_analysis FOLDER: scc on a folder, then tree-sitter on its source files.

What an analysis cannot do without, and nothing else: no limits, no progress, no figures kept but two sums.
"""

import os
import subprocess
import sys
from pathlib import Path

from tree_sitter import QueryCursor

from agents_app.codebase import grammars
from agents_app.codebase.conventions import PARSED_EXTENSIONS
from agents_app.codebase.functions import MAX_FILE_BYTES
from agents_app.codebase.languages import find


def main(folder: str) -> None:
    """Count, read, and print how many functions there are."""
    subprocess.run(
        [find(), "--no-config", "--no-ignore", "--no-gitignore", "--by-file", "--format", "json2", folder],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    print(sum(_functions(path) for path in _readable(folder)))


def _readable(folder: str) -> list[Path]:
    paths = [Path(where, name) for where, _folders, names in os.walk(folder) for name in names]
    return [
        path
        for path in paths
        if path.suffix[1:].lower() in PARSED_EXTENSIONS and path.stat().st_size <= MAX_FILE_BYTES
    ]


def _functions(path: Path) -> int:
    source = path.read_bytes()
    grammar = grammars.find(path.suffix[1:].lower(), source)
    if grammar is None:
        return 0
    parser, query = grammars.load(grammar)
    found = QueryCursor(query).captures(parser.parse(source).root_node)
    return len(found.get("function", ()))


if __name__ == "__main__":
    main(*sys.argv[1:2])
