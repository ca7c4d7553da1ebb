"""Python: requirements files, pyproject.toml (PEP 621, PEP 735, Poetry), Pipfile, setup.cfg."""

import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement

from agents_app.codebase.dependencies.model import (
    DEV,
    OPTIONAL,
    RUNTIME,
    Dependency,
    Unreadable,
    strings,
    table,
    text,
    versioned,
)

_FOR_DEVELOPERS = frozenset({
    "bench", "benchmark", "build", "ci", "dev", "develop", "development", "doc", "docs", "lint", "mypy",
    "style", "test", "testing", "tests", "typing",
})  # fmt: skip
_LOOSE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w, .-]*\])?\s*(?P<version>[<>=!~][^;]*)?(?:;.*)?")
_EGG = re.compile(r"#(?:.*&)?egg=(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


def requirements(path: str, data: bytes) -> Iterator[Dependency]:
    """Read a requirements file; other files that it includes are found by themselves."""
    words = re.split(r"[\W_]+", PurePosixPath(path).stem.lower())
    scope = DEV if _FOR_DEVELOPERS.intersection(words) else RUNTIME
    lines = (line.strip() for line in text(data).replace("\\\n", " ").splitlines())
    return _listed((line for line in lines if line and not line.startswith("#")), scope)


def pyproject(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read pyproject.toml."""
    document = _toml(data)
    project = table(document, "project")
    yield from _listed(strings(project.get("dependencies")), RUNTIME)
    for group in table(project, "optional-dependencies").values():
        yield from _listed(strings(group), OPTIONAL)
    for group in table(document, "dependency-groups").values():
        yield from _listed(strings(group), DEV)
    yield from _listed(strings(table(document, "tool", "uv").get("dev-dependencies")), DEV)
    for group in table(document, "tool", "pdm", "dev-dependencies").values():
        yield from _listed(strings(group), DEV)
    yield from _poetry(table(document, "tool", "poetry"))


def pipfile(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read a Pipfile."""
    document = _toml(data)
    yield from _named(table(document, "packages"), RUNTIME)
    yield from _named(table(document, "dev-packages"), DEV)


def setup_cfg(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read setup.cfg."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text(data))
    except configparser.Error:
        raise Unreadable("not a settings file") from None
    yield from _listed(parser.get("options", "install_requires", fallback="").splitlines(), RUNTIME)
    if parser.has_section("options.extras_require"):
        for _name, group in parser.items("options.extras_require"):
            yield from _listed(group.splitlines(), OPTIONAL)


def _toml(data: bytes) -> dict[str, object]:
    try:
        return tomllib.loads(text(data))
    except (tomllib.TOMLDecodeError, RecursionError):
        raise Unreadable("not TOML") from None


def _poetry(poetry: dict[str, object]) -> Iterator[Dependency]:
    yield from _named(table(poetry, "dependencies"), RUNTIME)
    yield from _named(table(poetry, "dev-dependencies"), DEV)
    for group in table(poetry, "group").values():
        yield from _named(table(group, "dependencies"), DEV)


def _named(packages: dict[str, object], scope: str) -> Iterator[Dependency]:
    for name, value in packages.items():
        if name.lower() == "python":
            continue
        # Poetry allows a list of constraints for different platforms: the first one stands for it.
        first = value[0] if isinstance(value, list) and value else value
        optional = table(first).get("optional") is True
        yield Dependency("pypi", name, versioned(first), OPTIONAL if optional else scope)


def _listed(lines: Iterable[str], scope: str) -> Iterator[Dependency]:
    for line in lines:
        found = _requirement(line.strip(), scope)
        if found is not None:
            yield found


def _requirement(line: str, scope: str) -> Dependency | None:
    """Return what one requirement line names; options, local paths and what is unknown name nothing."""
    egg = _EGG.search(line)
    if egg and "://" in line:
        return Dependency("pypi", egg["name"], line.partition("#")[0].removeprefix("-e").strip(), scope)
    plain = re.split(r"\s#|\s--?[a-z]", line, maxsplit=1)[0].strip()
    try:
        requirement = Requirement(plain)
    except InvalidRequirement:
        # Versions that predate today's rules still name a package.
        match = _LOOSE.fullmatch(plain)
        return Dependency("pypi", match["name"], match["version"] or "", scope) if match else None
    return Dependency("pypi", requirement.name, requirement.url or str(requirement.specifier), scope)
