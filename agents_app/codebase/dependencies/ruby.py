"""Ruby: Gemfile, read as text; nothing of it is run."""

import re
from collections.abc import Iterator

from agents_app.codebase.dependencies.model import DEV, RUNTIME, Dependency, text

_GEM = re.compile(r"gem[\s(]+[\"'](?P<name>[\w.-]{1,200})[\"'](?P<rest>.{0,500})")
_CONSTRAINT = re.compile(r"[\"'](?P<constraint>(?:[~<>=!]{1,2}\s*)?\d[\w.-]{0,60})[\"']")
_GROUP = re.compile(r"group[\s(]+(?P<names>.{1,200}?)\s*\)?\s*do\b")
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


def _gem(match: re.Match[str], for_developers: bool) -> Dependency:
    rest = match["rest"]
    constraints = ", ".join(found["constraint"] for found in _CONSTRAINT.finditer(rest))
    inline = re.search(r"group[s]?(?::|\s*=>)[^#]*:(?:development|test)\b", rest)
    return Dependency("gem", match["name"], constraints, DEV if for_developers or inline else RUNTIME)
