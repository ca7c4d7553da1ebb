"""Go: go.mod."""

import re
from collections.abc import Iterator

from agents_app.codebase.dependencies.model import RUNTIME, Dependency, Unreadable, text

_REQUIRED = re.compile(r"(?P<name>[^\s\"]+|\"[^\s\"]+\")\s+(?P<version>v\S+)\s*(?P<note>//.*)?")


def module(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read go.mod; modules marked `// indirect` are other modules' dependencies and left out."""
    lines = [line.strip() for line in text(data).splitlines()]
    if not any(line.startswith("module ") for line in lines):
        raise Unreadable("no module named")
    for line in _required(lines):
        match = _REQUIRED.fullmatch(line)
        if match and "indirect" not in (match["note"] or ""):
            yield Dependency("golang", match["name"].strip('"'), match["version"], RUNTIME)


def _required(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if line.startswith(")"):
            inside = False
        elif re.fullmatch(r"require\s*\(", line):
            inside = True
        elif inside:
            yield line
        elif line.startswith("require "):
            yield line.removeprefix("require ").strip()
