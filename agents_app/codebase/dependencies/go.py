"""Go: go.mod, which is manifest and lock in one."""

import re
from collections.abc import Iterator

from agents_app.codebase.dependencies.model import RUNTIME, TRANSITIVE, Dependency, Unreadable, text

_REQUIRED = re.compile(r"(?P<name>[^\s\"]+|\"[^\s\"]+\")\s+(?P<version>v\S+)\s*(?P<note>//.*)?")
_REPLACED = re.compile(
    r"(?P<name>[^\s\"]+|\"[^\s\"]+\")(?:\s+v\S+)?\s+=>\s+(?P<target>\S+)(?:\s+(?P<version>v\S+))?\s*(?://.*)?"
)


def module(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read go.mod; modules marked `// indirect` are transitive, and replaced ones say by what."""
    lines = [line.strip() for line in text(data).splitlines()]
    if not any(line.startswith("module ") for line in lines):
        raise Unreadable("no module named")
    replaced = dict(_replacements(lines))
    for line in _lines_of("require", lines):
        match = _REQUIRED.fullmatch(line)
        if match:
            name = match["name"].strip('"')
            scope = TRANSITIVE if "indirect" in (match["note"] or "") else RUNTIME
            yield Dependency("golang", name, replaced.get(name, match["version"]), scope)


def _replacements(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in _lines_of("replace", lines):
        match = _REPLACED.fullmatch(line)
        if match:
            name, target = match["name"].strip('"'), match["target"].strip('"')
            version = match["version"] or ""
            # The same module at another version is what is used; another module has versions of its own.
            yield name, version if version and target == name else f"=> {target} {version}".strip()


def _lines_of(word: str, lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        if line.startswith(")"):
            inside = False
        elif re.fullmatch(word + r"\s*\(", line):
            inside = True
        elif inside:
            yield line
        elif line.startswith(f"{word} "):
            yield line.removeprefix(f"{word} ").strip()
