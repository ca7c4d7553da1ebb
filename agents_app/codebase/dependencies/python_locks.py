"""Python: poetry.lock, uv.lock, pdm.lock, pylock.toml, Pipfile.lock."""

from collections.abc import Iterator

from agents_app.codebase.dependencies.documents import json_document, toml_document
from agents_app.codebase.dependencies.model import TRANSITIVE, Dependency, named, rows, table

_OWN = {"virtual", "editable", "directory", "path"}


def toml_lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read a lock file in TOML; what comes from a folder is the code base's own."""
    document = toml_document(data)
    for package in [*rows(document.get("package")), *rows(document.get("packages"))]:
        source = table(package.get("source"))
        if source.get("type") == "directory" or _OWN & {*source, *package}:
            continue
        yield Dependency("pypi", named(package.get("name")), named(package.get("version")), TRANSITIVE)


def pipfile_lock(_path: str, data: bytes) -> Iterator[Dependency]:
    """Read Pipfile.lock."""
    document = json_document(data)
    for key in ("default", "develop"):
        for name, details in table(document, key).items():
            version = named(table(details).get("version")).removeprefix("==")
            yield Dependency("pypi", name, version, TRANSITIVE)
