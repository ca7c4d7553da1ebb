"""No content of a manifest or lock file, and no answer of a registry, does more than to be unreadable."""

import json
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from agents_app.codebase.dependencies import manifests
from agents_app.codebase.dependencies.constraints import allows, exact, outdated
from agents_app.codebase.dependencies.model import Unreadable
from agents_app.codebase.dependencies.ordering import key
from agents_app.codebase.dependencies.purl import purl
from agents_app.codebase.dependencies.registries import REGISTRIES, newest
from agents_app.wording.escaping import clean
from tests.codebase.test_dependencies import EXAMPLES
from tests.codebase.test_locks import LOCKS

FILES = [*EXAMPLES, *LOCKS]
WORDS = [
    "dependencies",
    "devDependencies",
    "packages",
    "package",
    "project",
    "tool",
    "poetry",
    "uv",
    "sources",
    "pdm",
    "optional-dependencies",
    "dependency-groups",
    "default",
    "develop",
    "version",
    "versions",
    "libraries",
    "name",
    "source",
    "require",
    "packages-dev",
    "workspace",
    "target",
    "group",
    "files",
    "filename",
    "latest",
    "a@1.0.0",
    "node_modules/a",
    "ref",
    "module",
    "dev-dependencies",
    "monolog/monolog",
    "Version",
    "vers",
]
KEYS = st.sampled_from(WORDS) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | KEYS
    | st.sampled_from(["^1", "1.0"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)
QUICKLY = settings(max_examples=60, deadline=None)


def toml(value: Any) -> str:
    """Return a value in TOML's inline notation."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value) if value is not None else '""'


def mangled(path: str) -> st.SearchStrategy[bytes]:
    """Return the example for `path` with a piece taken out or put in."""
    content = {**EXAMPLES, **LOCKS}[path][0].encode()
    place = st.integers(0, len(content))
    return st.builds(
        lambda start, end, piece: content[:start] + piece + content[end:],
        place,
        place,
        st.binary(max_size=8) | st.text(max_size=8).map(str.encode),
    )


def check(path: str, content: bytes) -> None:
    """Read `content` as `path` and check that what is found is fit to be printed."""
    found = manifests.read(path, content)
    json.dumps(found).encode()
    for ecosystem, name, version, _scope in found["dependencies"]:
        assert name == clean(name)
        assert len(version) <= 100
        assert outdated(ecosystem, version, "", "1.0.0") in {True, False, None}
        purl(ecosystem, name, exact(ecosystem, version))


@pytest.mark.parametrize("path", FILES)
@QUICKLY
@given(data=st.data())
def test_any_bytes_are_read_or_unreadable(path: str, data: st.DataObject) -> None:
    check(path, data.draw(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | mangled(path)))


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.endswith((".json", ".lock", ".yaml", ".toml"))]
)
@QUICKLY
@given(document=DOCUMENTS)
def test_any_shape_of_a_document_is_read_or_unreadable(path: str, document: dict[str, Any]) -> None:
    check(path, json.dumps(document).encode())
    check(path, "\n".join(f"{json.dumps(name)} = {toml(value)}" for name, value in document.items()).encode())
    check(path, yaml.safe_dump(document).encode())


@pytest.mark.parametrize("ecosystem", REGISTRIES)
@QUICKLY
@given(name=st.text(max_size=20), document=DOCUMENTS, raw=st.binary(max_size=100))
def test_any_answer_of_a_registry_is_read_or_unreadable(
    ecosystem: str, name: str, document: dict[str, Any], raw: bytes
) -> None:
    registry = REGISTRIES[ecosystem]
    path = registry.path(name)
    assert path.isascii()
    assert not any(character in path for character in " \r\n?#")
    for body in (json.dumps(document).encode(), raw, b"<metadata>" + raw + b"</metadata>"):
        with suppress(Unreadable):
            for version in newest(ecosystem, registry.versions(name, body)):
                assert not version or key(ecosystem, version)


@pytest.mark.parametrize("ecosystem", REGISTRIES)
@QUICKLY
@given(
    constraint=st.text("0123456789.*xX^~<>=!|-,[]() av+", max_size=20) | st.text(max_size=10),
    version=st.text("0123456789.-abrc+", max_size=12),
)
def test_any_constraint_and_version_are_compared_or_not_understood(
    ecosystem: str, constraint: str, version: str
) -> None:
    assert allows(ecosystem, constraint, version) in {True, False, None}
    assert outdated(ecosystem, constraint, version, "1.2.3") in {True, False, None}
    purl(ecosystem, constraint, version)
