"""Which declared dependencies are outdated, by what a registry on the loopback interface says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app.codebase import declarations, outdated
from agents_app.codebase.declarations import Declarations
from agents_app.codebase.files import Listing
from agents_app.codebase.outdated import Registries
from agents_app.codebase.source import Source
from agents_app.registry import ToolResult
from agents_app.stages import Stage
from tests.codebase.registry import RegistryServer, answer
from tests.recording import RecordingContext

Listed = Callable[..., tuple[Source, Listing]]
PATH = "/-/package/left-pad/dist-tags"


@pytest.fixture
def compared(
    context: RecordingContext, stage: Stage, registry: RegistryServer, listed: Listed
) -> Callable[..., Declarations]:
    """Write files, read them and compare them with the registry for npm."""

    def compare(files: dict[str, str], *private: str) -> Declarations:
        found = declarations.scan(context, stage, *listed(files))
        outdated.compare(context, stage, found, Registries({"npm": registry.url}, private))
        return found

    return compare


def test_declared_versions_are_compared_with_the_newest(
    registry: RegistryServer, compared: Callable[..., Declarations]
) -> None:
    wanted = {
        "exact": "1.0.0", "same": "2.0.0", "inside": "^2", "outside": "^1.2", "any": "*", "ahead": "^3",
        "beta": "2.0.0-beta.1", "folder": "file:../x", "unknown": "1.0.0", "git": "git+https://example.org/x",
    }  # fmt: skip
    for name in {*wanted} - {"unknown", "folder", "git"}:
        registry.answers[f"/-/package/{name}/dist-tags"] = answer(
            b'{"latest": "2.0.0", "next": "2.1.0-beta.3"}'
        )
    found = compared({"package.json": json.dumps({"dependencies": wanted}), "requirements.txt": "django==1"})
    assert {row.name: row.outdated for row in found.dependencies} == {
        "exact": True, "same": False, "inside": False, "outside": True, "any": False, "ahead": False,
        "beta": True, "folder": None, "unknown": None, "git": None, "django": None,
    }  # fmt: skip
    assert {row.latest for row in found.dependencies if row.name == "beta"} == {"2.1.0-beta.3"}
    assert found.outdated == {"npm": 3}
    assert found.unknown == {"npm": 3, "pypi": 1}
    assert not any("folder" in path or "git" in path for path in registry.asked)


def test_a_locked_version_is_what_is_compared(
    registry: RegistryServer, compared: Callable[..., Declarations]
) -> None:
    registry.answers[PATH] = answer(b'{"latest": "1.3.0"}')
    lock = {
        "packages": {"node_modules/left-pad": {"version": "1.1.0"}, "node_modules/b": {"version": "1.0.0"}}
    }
    found = compared({
        "package.json": '{"dependencies": {"left-pad": "^1"}}', "package-lock.json": json.dumps(lock),
    })  # fmt: skip
    row = found.dependencies[0]
    assert (row.version, row.locked, row.latest, row.outdated) == ("^1", "1.1.0", "1.3.0", True)
    assert registry.asked == [PATH]


def test_what_comes_from_elsewhere_is_told_to_nobody_although_a_lock_names_it(
    registry: RegistryServer, compared: Callable[..., Declarations]
) -> None:
    wanted = {
        "a": "git+ssh://git@example.org/a",
        "b": "workspace:*",
        "c": "npm:d@1.0.0",
        "left-pad": "catalog:",
    }
    lock = {"packages": {f"node_modules/{name}": {"version": "1.0.0"} for name in wanted}}
    compared({
        "package.json": json.dumps({"dependencies": wanted}), "package-lock.json": json.dumps(lock),
    })  # fmt: skip
    assert registry.asked == [PATH]


def test_names_that_are_private_are_told_to_nobody(
    registry: RegistryServer, compared: Callable[..., Declarations]
) -> None:
    wanted = dict.fromkeys(("@acme/secret", "acme-x", "left-pad"), "1.0.0")
    compared({"package.json": json.dumps({"dependencies": wanted})}, "@acme/*", "acme-*")
    assert registry.asked == [PATH]


def test_no_more_packages_are_asked_for_than_the_limit_runtime_first(
    registry: RegistryServer, compared: Callable[..., Declarations], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outdated, "MAX_LOOK_UPS", 1)
    found = compared({"package.json": '{"dependencies": {"b": "1.0.0"}, "devDependencies": {"a": "1.0.0"}}'})
    assert registry.asked == ["/-/package/b/dist-tags"]
    assert found.unknown == {"npm": 2}


def test_the_tool_asks_the_registries_of_the_settings(
    analyze: Callable[..., ToolResult],
    write: Callable[..., Path],
    registry: RegistryServer,
    context: RecordingContext,
    settings: Any,
) -> None:
    registry.answers[PATH] = answer(b'{"latest": "1.3.0"}')
    folder = write({"package.json": '{"dependencies": {"left-pad": "1.0.0", "gone": "1.0.0"}}', "a.js": "x"})
    settings.ALLOWED_FOLDERS = [folder]
    settings.PACKAGE_REGISTRIES = {"npm": registry.url}
    found = analyze(path=str(folder))
    row = found.data["dependencies"][0]
    assert row == {
        "ecosystem": "npm", "name": "left-pad", "version": "1.0.0", "scope": "runtime", "locked": "",
        "manifest": "package.json", "latest": "1.3.0", "outdated": True,
        "purl": "pkg:npm/left-pad@1.0.0", "source": "manifest",
    }  # fmt: skip
    totals = found.data["dependency_totals"]
    assert (totals["outdated"], totals["unknown"], totals["locked"]) == (1, 1, 0)
    assert "| `left-pad` | `1.0.0` | `1.3.0` | runtime | `package.json` |" in found.report
    percents = [percent for percent, name, _left in context.told if name == "scanning_dependencies"]
    assert (percents[0], percents[-1], percents == sorted(percents)) == (30.0, 60.0, True)


def test_without_registries_nobody_is_asked(
    analyze: Callable[..., ToolResult], write: Callable[..., Path], registry: RegistryServer, settings: Any
) -> None:
    folder = write({"package.json": '{"dependencies": {"left-pad": "1.0.0"}}'})
    settings.ALLOWED_FOLDERS = [folder]
    settings.PACKAGE_REGISTRIES = {}
    found = analyze(path=str(folder)).data
    assert (found["dependencies"][0]["outdated"], found["dependency_totals"]["unknown"]) == (None, 1)
    assert registry.asked == []
