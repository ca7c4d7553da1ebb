"""Python: requirements files, pyproject.toml, Pipfile, setup.cfg, setup.py.

Of pyproject.toml the tables of PEP 621 and PEP 735, Poetry, PDM and uv.
"""

import ast
import configparser
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from agents_app.codebase.dependencies.documents import toml_document
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
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement)[\s=]\s*([^\s#]{1,300})", re.MULTILINE)
_EGG = re.compile(r"#(?:.*&)?egg=(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


def requirements(path: str, data: bytes) -> Iterator[Dependency]:
    """Read a requirements file; other files that it includes are found by themselves."""
    words = re.split(r"[\W_]+", PurePosixPath(path).stem.lower())
    scope = DEV if _FOR_DEVELOPERS.intersection(words) else RUNTIME
    lines = (line.strip() for line in text(data).replace("\\\n", " ").splitlines())
    return _listed((line for line in lines if line and not line.startswith("#")), scope)


def included(path: str, data: bytes) -> list[str]:
    """Return the paths of the requirements files that a requirements file includes (`-r`)."""
    folder = posixpath.dirname(path)
    found = _INCLUDED.findall(data.decode("utf-8", errors="replace"))
    return [posixpath.normpath(posixpath.join(folder, name)) for name in found]


def pyproject(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read pyproject.toml; what uv takes from elsewhere than an index has that place for its version."""
    document = toml_document(data)
    sources = {
        canonicalize_name(name): place
        for name, source in table(document, "tool", "uv", "sources").items()
        if (place := _place(source))
    }
    for dependency in _declared(document):
        elsewhere = sources.get(canonicalize_name(dependency.name), "")
        yield replace(dependency, version=elsewhere) if elsewhere else dependency


def _place(source: object) -> str:
    first = table(source[0] if isinstance(source, list) and source else source)
    return versioned({**first, "version": None}) or ("(of the workspace)" if first.get("workspace") else "")


def _declared(document: dict[str, object]) -> Iterator[Dependency]:
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
    document = toml_document(data)
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


def setup_py(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read the lists of strings that setup.py gives to `setup`; nothing of it is run."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unreadable("not Python") from None
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"setup", "setuptools.setup"}:
            for argument in call.keywords:
                if argument.arg == "install_requires":
                    yield from _listed(_literals(argument.value), RUNTIME)
                elif argument.arg == "extras_require" and isinstance(argument.value, ast.Dict):
                    for group in argument.value.values:
                        yield from _listed(_literals(group), OPTIONAL)


def _literals(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return [
        str(item.value) for item in elements if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]


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
