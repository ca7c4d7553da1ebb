"""Ruby: Gemfile and Gemfile.lock, read as text; nothing of them is run."""

import re
from collections.abc import Iterator

from agents_app.codebase.dependencies.model import DEV, RUNTIME, TRANSITIVE, Dependency, text

_GEM = re.compile(r"gem[\s(]+[\"'](?P<name>[\w.-]{1,200})[\"'](?P<rest>.{0,500})")
_CONSTRAINT = re.compile(r"[\"'](?P<constraint>(?:[~<>=!]{1,2}\s*)?\d[\w.-]{0,60})[\"']")
_GROUP = re.compile(r"group[\s(]+(?P<names>.{1,200}?)\s*\)?\s*do\b")
_LOCKED = re.compile(r" {4}(?P<name>[\w.-]{1,200}) \((?P<version>[^\s()-]{1,100})(?:-[^()]{1,100})?\)")
_DEV_GROUP = re.compile(r":(?:development|test)\b")


def gemfile(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read a Gemfile; gems in groups named development or test are for developers."""
    groups: list[bool] = []
    for line in (line.strip() for line in text(data).splitlines()):
        group = _GROUP.match(line)
        gem = _GEM.match(line)
        if group:
            groups.append(bool(_DEV_GROUP.search(group["names"])))
        elif re.search(r"\bdo\b(?:\s*\|[^|]*\|)?$", line) or re.match(r"(?:if|unless|case)\b", line):
            groups.append(False)
        elif line == "end" and groups:
            groups.pop()
        elif gem:
            yield _gem(gem, any(groups))


def lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read Gemfile.lock; gems from a folder are the code base's own."""
    section = ""
    for line in text(data).splitlines():
        locked = _LOCKED.fullmatch(line)
        if line and not line.startswith(" "):
            section = line
        elif locked and section in {"GEM", "GIT"}:
            yield Dependency("gem", locked["name"], locked["version"], TRANSITIVE)


def _gem(match: re.Match[str], for_developers: bool) -> Dependency:
    rest = match["rest"]
    constraints = ", ".join(found["constraint"] for found in _CONSTRAINT.finditer(rest))
    inline = re.search(r"group[s]?(?::|\s*=>)[^#]*:(?:development|test)\b", rest)
    return Dependency("gem", match["name"], constraints, DEV if for_developers or inline else RUNTIME)
