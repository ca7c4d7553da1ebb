"""The process that opens hostile files: `python -m agents_app.codebase.inspecting ROOT FIRST < TASKS`.

TASKS are pairs of a kind and a path below ROOT, each ended by NUL; the first FIRST are left out. For each it
prints one line of JSON. Native parsers crash, and any parser can be kept busy for hours by the right file:
here that costs this process, which is given seconds of processor time for each file and a limit of memory
from outside, and whoever started it goes on behind the file that broke it.
"""

import json
import os
import signal
import stat
import sys
from collections.abc import Mapping
from typing import Any

from agents_app.codebase import licences, symbols
from agents_app.codebase.dependencies import manifests

SYMBOLS, MANIFEST, LICENCE = "symbols", "manifest", "licence"
FILE_CPU_SECONDS = 3.0
SOURCE_MAX_BYTES = 1024 * 1024
_LICENCE_BYTES = 64 * 1024


def main(root: str, first: str) -> None:
    """Work on the tasks of standard input."""
    words = sys.stdin.buffer.read().split(b"\0")
    tasks = list(zip(words[0::2], words[1::2], strict=False))
    for kind, path in tasks[int(first) :]:
        # The signal's default action ends the process, even in the midst of native code.
        signal.setitimer(signal.ITIMER_PROF, FILE_CPU_SECONDS)
        answer = inspect(kind.decode(), root, os.fsdecode(path))
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


def inspect(kind: str, root: str, path: str) -> Mapping[str, Any]:
    """Return what is found in one file; `failed` says why nothing could be."""
    try:
        return _inspect(kind, root, path)
    except Exception as error:  # noqa: BLE001 - parsers fail in many ways, and each means the same
        return {"failed": f"could not be read ({type(error).__name__})"}


def _inspect(kind: str, root: str, path: str) -> Mapping[str, Any]:
    if kind == SYMBOLS:
        return symbols.read(path, _content(root, path, SOURCE_MAX_BYTES))
    if kind == MANIFEST:
        return manifests.read(path, _content(root, path, manifests.max_bytes(path)))
    text = _content(root, path, SOURCE_MAX_BYTES)[:_LICENCE_BYTES].decode(errors="replace")
    return {"licence": licences.identify(text)}


def _content(root: str, path: str, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes; links and devices are refused."""
    descriptor = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise ValueError("not a regular file within the limit")
        return file.read(limit)


if __name__ == "__main__":
    main(*sys.argv[1:3])
