"""What lock files have chosen, and what of it the manifests asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agents_app.codebase import declarations, result
from agents_app.codebase.declarations import Declarations
from agents_app.codebase.dependencies import manifests
from agents_app.codebase.files import Listing
from agents_app.codebase.result import Analysis
from agents_app.codebase.source import Source
from agents_app.stages import Stage
from tests.recording import RecordingContext

Listed = Callable[..., tuple[Source, Listing]]
Scan = Callable[[dict[str, str]], Declarations]

UV_LOCK = """
version = 1
[[package]]
name = "mine"
version = "0.1.0"
source = { editable = "." }
[[package]]
name = "django"
version = "5.2.1"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "sqlparse"
version = "0.5.0"
source = { registry = "https://pypi.org/simple" }
"""
LOCKS = {
    "uv.lock": (UV_LOCK, [("pypi", "django", "5.2.1"), ("pypi", "sqlparse", "0.5.0")]),
    "poetry.lock": (
        (
            '[[package]]\nname = "a"\nversion = "1.0"\n[[package]]\nname = "own"\nversion = "1"\n'
            '[package.source]\ntype = "directory"\nurl = "../own"\n'
        ),
        [("pypi", "a", "1.0")],
    ),
    "pdm.lock": (
        '[[package]]\nname = "a"\nversion = "1.0"\n[[package]]\nname = "own"\nversion = "1"\npath = "./x"\n',
        [("pypi", "a", "1.0")],
    ),
    "pylock.toml": (
        'lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1.0"\n',
        [("pypi", "a", "1.0")],
    ),
    "Pipfile.lock": (
        '{"default": {"a": {"version": "==1.0"}, "b": {"git": "x"}}, "develop": {"c": {"version": "==2"}}}',
        [("pypi", "a", "1.0"), ("pypi", "b", ""), ("pypi", "c", "2")],
    ),
    "package-lock.json": (
        json.dumps(
            {
                "lockfileVersion": 3,
                "packages": {
                    "": {"name": "mine"},
                    "node_modules/a/node_modules/b": {"version": "1.0.0"},
                    "node_modules/a": {"version": "1.1.0"},
                    "node_modules/@s/b": {"version": "2.0.0"},
                    "node_modules/alias": {"name": "real", "version": "3.0.0"},
                    "node_modules/mine": {"link": True, "resolved": "packages/mine"},
                    "packages/mine": {"version": "0.0.1"},
                },
            }
        ),
        [("npm", "a", "1.1.0"), ("npm", "@s/b", "2.0.0"), ("npm", "real", "3.0.0"), ("npm", "b", "1.0.0")],
    ),
    "npm-shrinkwrap.json": (
        '{"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}, "c": 5}}',
        [("npm", "a", "1.0.0"), ("npm", "c", ""), ("npm", "b", "2.0.0")],
    ),
    "yarn.lock": (
        (
            '# yarn lockfile v1\n\n"@s/a@^1.0.0", "@s/a@^1.1.0":\n'
            '  version "1.2.0"\n  dependencies:\n    b "^2"\n\n'
            'b@^2:\n  version "2.0.1"\n  resolved "https://x"\n'
        ),
        [("npm", "@s/a", "1.2.0"), ("npm", "b", "2.0.1")],
    ),
    "web/yarn.lock": (
        (
            '__metadata:\n  version: 8\n\n"a@npm:^1.0.0":\n  version: 1.2.0\n  resolution: "a@npm:1.2.0"\n\n'
            '"mine@workspace:.":\n  version: 0.0.0-use.local\n'
        ),
        [("npm", "a", "1.2.0")],
    ),
    "pnpm-lock.yaml": (
        (
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies: {}\npackages:\n"
            "  '@s/a@1.0.0':\n    resolution: {integrity: x}\n  b@2.0.0(c@1.0.0): {}\n"
            "  /d@3.0.0:\n    dev: true\n  /e/4.0.0_x@1.0.0: {}\n  /@s/f/5.0.0: {}\n"
        ),
        [
            ("npm", "@s/a", "1.0.0"),
            ("npm", "b", "2.0.0"),
            ("npm", "d", "3.0.0"),
            ("npm", "e", "4.0.0"),
            ("npm", "@s/f", "5.0.0"),
        ],
    ),
    "Cargo.lock": (
        (
            'version = 4\n[[package]]\nname = "mine"\nversion = "0.1.0"\n'
            '[[package]]\nname = "serde"\nversion = "1.0.200"\nsource = "registry+https://x"\n'
        ),
        [("cargo", "serde", "1.0.200")],
    ),
    "gradle.lockfile": (
        "# This is a Gradle file\ng:a:1.0=runtimeClasspath,testClasspath\nempty=annotationProcessor\n",
        [("maven", "g:a", "1.0")],
    ),
    "Gemfile.lock": (
        (
            "PATH\n  remote: .\n  specs:\n    mine (0.1)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n"
            "    nokogiri (1.16.0-x86_64-linux)\n"
            "      racc (~> 1.4)\n    racc (1.7.3)\n\nDEPENDENCIES\n  nokogiri\n"
        ),
        [("gem", "nokogiri", "1.16.0"), ("gem", "racc", "1.7.3")],
    ),
    "composer.lock": (
        (
            '{"packages": [{"name": "a/b", "version": "v1.2.3"}, 5],'
            ' "packages-dev": [{"name": "c/d", "version": "2.0.0"}]}'
        ),
        [("composer", "a/b", "1.2.3"), ("composer", "c/d", "2.0.0")],
    ),
}


@pytest.mark.parametrize("path", LOCKS)
def test_a_lock_file_s_packages_are_read(path: str) -> None:
    content, expected = LOCKS[path]
    assert manifests.is_lock(path)
    assert not manifests.is_manifest(path)
    found = manifests.read(path, content.encode())
    assert found["unreadable"] == ""
    assert found["dependencies"] == [(*row, "transitive") for row in expected]


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\npackages: *b\n"


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("pnpm-lock.yaml", BOMB, "it has aliases"),
        ("pnpm-lock.yaml", "[" * 5000, "too deeply nested"),
        ("pnpm-lock.yaml", "!!python/object/apply:os.system ['true']", "not YAML"),
        ("pnpm-lock.yaml", "a: 2026-99-99", "not YAML"),
        ("package-lock.json", "[" * 200_000, "not JSON"),
        ("package-lock.json", '{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("uv.lock", "a = " + "[" * 200_000, "not TOML"),
        ("yarn.lock", "<html>", "no lock file of Yarn"),
        ("pom.xml", '<!DOCTYPE x [<!ENTITY a "aa">]><project/>', "it declares a document type"),
        ("pom.xml", "<a>" * 5000, "too deeply nested"),
        ("setup.py", "(" * 100_000, "not Python"),
    ],
)
def test_a_hostile_file_is_named_as_unreadable(path: str, content: str, reason: str) -> None:
    found = manifests.read(path, content.encode())
    assert (found["dependencies"], found["unreadable"]) == ([], reason)


@pytest.fixture
def scan(context: RecordingContext, stage: Stage, listed: Listed) -> Scan:
    """Write files and read what they declare."""
    return lambda files: declarations.scan(context, stage, *listed(files))


def test_a_declared_dependency_has_its_locked_version_and_is_counted_once(scan: Scan) -> None:
    found = scan({"pyproject.toml": '[project]\ndependencies = ["Django>=5"]', "uv.lock": UV_LOCK})
    assert [(row.name, row.version, row.locked) for row in found.dependencies] == [("Django", ">=5", "5.2.1")]
    assert [(row.name, row.version, row.scope) for row in found.transitive] == [
        ("sqlparse", "0.5.0", "transitive")
    ]
    assert (found.total, found.locked, found.manifests) == (1, {"pypi": 1}, 1)


def test_a_peer_has_no_locked_version_and_is_not_transitive_either(scan: Scan) -> None:
    found = scan(
        {
            "package.json": '{"peerDependencies": {"a": ">=1"}}',
            "package-lock.json": '{"packages": {"node_modules/a": {"version": "1.0.0"}}}',
        }
    )
    assert [(row.scope, row.locked) for row in found.dependencies] == [("peer", "")]
    assert found.locked == {}


def test_what_a_lock_pins_is_not_unpinned(scan: Scan) -> None:
    found = scan({"pyproject.toml": '[project]\ndependencies = ["django", "other"]', "uv.lock": UV_LOCK})
    assert (found.runtime, found.unpinned) == (2, 1)


def test_the_lock_of_a_workspace_counts_for_its_members_if_it_fits(scan: Scan) -> None:
    lock = '[[package]]\nname = "serde"\nversion = "1.0.200"\nsource = "registry+https://x"\n'
    found = scan(
        {
            "Cargo.toml": "[workspace]\n",
            "Cargo.lock": lock,
            "member/Cargo.toml": "[dependencies]\nserde = '1'\n",
            "example/Cargo.toml": "[dependencies]\nserde = '0.9'\n",
        }
    )
    assert {row.manifest: row.locked for row in found.dependencies} == {
        "member/Cargo.toml": "1.0.200",
        "example/Cargo.toml": "",
    }
    assert found.locked == {}


def test_of_several_locked_versions_the_fitting_one_is_the_dependency_s(scan: Scan) -> None:
    lock = {
        "packages": {
            "node_modules/b/node_modules/a": {"version": "1.5.0"},
            "node_modules/a": {"version": "2.0.0"},
        }
    }
    found = scan(
        {
            "package.json": '{"dependencies": {"a": "^1"}}',
            "package-lock.json": json.dumps(lock),
        }
    )
    assert found.dependencies[0].locked == "1.5.0"
    assert [(row.name, row.version) for row in found.transitive] == [("a", "2.0.0")]


def test_two_locks_of_one_folder_count_a_package_once(scan: Scan) -> None:
    found = scan(
        {
            "package-lock.json": '{"dependencies": {"a": {"version": "1.0.0"}}}',
            "yarn.lock": '# yarn lockfile v1\na@1:\n  version "1.0.0"\n',
        }
    )
    assert found.locked == {"npm": 1}


def test_indirect_modules_of_go_are_transitive(scan: Scan) -> None:
    found = scan({"go.mod": "module x\nrequire (\n a.org/b v1.0.0\n c.org/d v1.1.0 // indirect\n)\n"})
    assert ([row.name for row in found.dependencies], [row.name for row in found.transitive]) == (
        ["a.org/b"],
        ["c.org/d"],
    )


def test_included_requirements_are_read_whatever_their_name(scan: Scan) -> None:
    found = scan(
        {
            "requirements.txt": "-r deps/base.pip\n-r ../outside.txt\n-r gone.txt\na\n",
            "deps/base.pip": "--requirement more.pip\nb\n",
            "deps/more.pip": "-r base.pip\nc\n",
        }
    )
    assert {(row.name, row.manifest) for row in found.dependencies} == {
        ("a", "requirements.txt"),
        ("b", "deps/base.pip"),
        ("c", "deps/more.pip"),
    }


def test_the_document_lists_declared_ones_before_transitive_ones(scan: Scan) -> None:
    found = scan({"pyproject.toml": '[project]\ndependencies = ["Django>=5"]', "uv.lock": UV_LOCK})
    source = Source(folder=Path("/x"), name="x", origin={})
    data = result.document(Analysis(source, "2026-01-01", declarations=found), complete=True)
    assert [(row["purl"], row["source"], row["manifest"]) for row in data["dependencies"]] == [
        ("pkg:pypi/django@5.2.1", "manifest", "pyproject.toml"),
        ("pkg:pypi/sqlparse@0.5.0", "lock", "uv.lock"),
    ]
    totals = data["dependency_totals"]
    assert (totals["declared"], totals["locked"], totals["packages"]) == (1, 1, 1)
    assert data["truncated"] == {}
