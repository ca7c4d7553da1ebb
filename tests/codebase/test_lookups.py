"""What registries are asked, and what becomes of their answers: over real HTTP on the loopback interface."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from agents_app.codebase import declarations, outdated
from agents_app.codebase.declarations import Declarations
from agents_app.codebase.dependencies import asking, lookups
from agents_app.codebase.dependencies.lookups import Newest, look_up
from agents_app.codebase.dependencies.registries import REGISTRIES
from agents_app.codebase.files import Listing
from agents_app.codebase.outdated import Registries
from agents_app.codebase.source import Source
from agents_app.codebase.stages import Stage
from agents_app.context import Stopped
from agents_app.registry import ToolResult
from tests.codebase.recording import RecordingContext, child_processes
from tests.codebase.registry import RegistryServer, answer

Listed = Callable[..., tuple[Source, Listing]]
PACKAGE = ("npm", "left-pad")
PATH = "/-/package/left-pad/dist-tags"

ANSWERS = {
    ("pypi", "Flask.Login"): (
        "/flask-login/",
        json.dumps(
            {
                "files": [
                    {"filename": "flask_login-1.0-py3-none-any.whl", "yanked": False},
                    {"filename": "flask_login-1.10.tar.gz"},
                    {"filename": "flask_login-1.11.tar.gz", "yanked": "broken"},
                    {"filename": "flask_login-2.0rc1.tar.gz"},
                    {"filename": "flask_login-9.exe"},
                    5,
                ]
            }
        ),
        Newest("1.10", "2.0rc1"),
    ),
    ("npm", "@scope/name"): (
        "/-/package/@scope%2Fname/dist-tags",
        '{"latest": "1.2.3", "next": "2.0.0-beta.1", "old": "7.0.0", "odd": 5}',
        Newest("1.2.3", "2.0.0-beta.1"),
    ),
    ("cargo", "Serde"): (
        "/se/rd/serde",
        '{"vers": "1.0.0", "yanked": false}\n{"vers": "1.2.0", "yanked": true}\n{"vers": "1.1.0"}\n',
        Newest("1.1.0", "1.1.0"),
    ),
    ("golang", "github.com/Masterminds/semver/v3"): (
        "/github.com/!masterminds/semver/v3/@latest",
        '{"Version": "v3.4.0", "Time": "2026-01-01T00:00:00Z"}',
        Newest("v3.4.0", "v3.4.0"),
    ),
    ("gem", "rails"): (
        "/info/rails",
        "---\n7.0.0 a:>= 1|checksum:00\n8.0.1-java |checksum:00\n8.1.0.rc1 |checksum:00\n",
        Newest("8.0.1", "8.1.0.rc1"),
    ),
    ("composer", "Monolog/Monolog"): (
        "/p2/monolog/monolog.json",
        '{"packages": {"monolog/monolog": [{"version": "3.9.0"}, {"version": "4.0.0-RC1"}]}}',
        Newest("3.9.0", "4.0.0-RC1"),
    ),
    ("maven", "org.junit:junit"): (
        "/org/junit/junit/maven-metadata.xml",
        (
            "<metadata><versioning><latest>5.0-M1</latest><versions><version>4.9</version>"
            "<version>4.13.2</version><version>5.0-M1</version></versions></versioning></metadata>"
        ),
        Newest("4.13.2", "5.0-M1"),
    ),
}
WRONG = {
    "500": answer(b"{}", 500),
    "not JSON": answer(b"<html>"),
    "another shape": answer(b'["latest"]'),
    "deep": answer(b'{"latest":' + b"[" * 100_000),
    "not UTF-8": answer(b'{"latest": "\xff"}'),
    "too large": answer(b'{"latest": "1.0.0"}' + b" " * (asking.BODY_MAX_BYTES + 1)),
    "no HTTP": lambda request: request.wfile.write(b"\0" * 100),
    "closed at once": lambda request: None,
    "redirect without a place": answer(b"", 302),
    "redirect to a file": answer(b"", 302, {"Location": "file:///etc/passwd"}),
    "redirect to a broken place": answer(b"", 302, {"Location": "http://[x"}),
    "redirect to itself": answer(b"", 301, {"Location": PATH}),
    "redirect to metadata": answer(b"", 307, {"Location": "http://169.254.169.254/latest"}),
}


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    """A registry that has no packages yet."""
    with RegistryServer() as server:
        yield server


@pytest.fixture
def everywhere(registry: RegistryServer) -> dict[str, str]:
    """The same address for all ecosystems."""
    return dict.fromkeys(REGISTRIES, registry.url)


@pytest.mark.parametrize("package", ANSWERS)
def test_each_registry_is_asked_in_its_own_way(
    context: RecordingContext,
    stage: Stage,
    registry: RegistryServer,
    everywhere: dict[str, str],
    package: tuple[str, str],
) -> None:
    path, body, expected = ANSWERS[package]
    registry.answers[path] = answer(body.encode())
    assert look_up(context, stage, [package], everywhere) == {package: expected}
    assert registry.asked == [path]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_leaves_it_unknown(
    context: RecordingContext,
    stage: Stage,
    registry: RegistryServer,
    everywhere: dict[str, str],
    wrong: str,
) -> None:
    registry.answers = {PATH: WRONG[wrong], "/-/package/good/dist-tags": answer(b'{"latest": "1.0.0"}')}
    found = look_up(context, stage, [PACKAGE, ("npm", "good")], everywhere)
    assert found == {("npm", "good"): Newest("1.0.0", "1.0.0")}


def test_a_package_that_the_registry_does_not_have_has_no_newest_version(
    context: RecordingContext, stage: Stage, everywhere: dict[str, str]
) -> None:
    assert look_up(context, stage, [PACKAGE], everywhere) == {PACKAGE: Newest()}


def test_a_redirect_into_a_private_network_is_not_followed(
    context: RecordingContext, stage: Stage, registry: RegistryServer, everywhere: dict[str, str]
) -> None:
    with RegistryServer() as inside:
        inside.answers["/x"] = answer(b'{"latest": "6.6.6"}')
        registry.answers[PATH] = answer(b"", 302, {"Location": f"{inside.url}/x"})
        assert look_up(context, stage, [PACKAGE], everywhere) == {}
        assert inside.asked == []


def test_a_redirect_within_the_registry_is_followed(
    context: RecordingContext, stage: Stage, registry: RegistryServer, everywhere: dict[str, str]
) -> None:
    registry.answers = {
        PATH: answer(b"", 301, {"Location": "/moved"}),
        "/moved": answer(b'{"latest": "1.0.0"}'),
    }
    assert look_up(context, stage, [PACKAGE], everywhere)[PACKAGE] == Newest("1.0.0", "1.0.0")


def test_a_registry_that_hangs_costs_no_more_than_the_budget(
    context: RecordingContext,
    stage: Stage,
    registry: RegistryServer,
    everywhere: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookups, "BUDGET_SECONDS", 2.5)
    registry.answers = {PATH: registry.hang, "/-/package/good/dist-tags": answer(b'{"latest": "1.0.0"}')}
    before, began = child_processes(), time.monotonic()
    found = look_up(context, stage, [PACKAGE, ("npm", "good")], everywhere)
    assert list(found) == [("npm", "good")]
    assert time.monotonic() - began < 5
    assert context.longest_silence < 0.5
    assert child_processes() == before


def test_a_cancel_ends_the_questions_within_half_a_second(
    context: RecordingContext, stage: Stage, registry: RegistryServer, everywhere: dict[str, str]
) -> None:
    before = child_processes()

    def stop_and_hang(request: BaseHTTPRequestHandler) -> None:
        context.stop()
        registry.hang(request)

    registry.answers[PATH] = stop_and_hang
    with pytest.raises(Stopped):
        look_up(context, stage, [PACKAGE], everywhere)
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 0.5
    assert child_processes() == before


def test_a_body_that_drips_is_given_up(registry: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "REQUEST_SECONDS", 0.3)

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not registry.released.wait(0.05):
            request.wfile.write(b" ")

    registry.answers["/x"] = drip
    with pytest.raises(asking.Unanswered, match="takes too long"):
        asking.ask(registry.url, "x", "*/*")


def test_a_registry_that_cannot_be_reached_is_soon_left_alone(
    context: RecordingContext, stage: Stage
) -> None:
    with RegistryServer() as gone:
        registries = {"npm": gone.url}
    packages = [("npm", f"package-{number}") for number in range(200)]
    began = time.monotonic()
    assert look_up(context, stage, packages, registries) == {}
    assert time.monotonic() - began < 10


def test_progress_is_packages_answered(
    context: RecordingContext, stage: Stage, everywhere: dict[str, str]
) -> None:
    look_up(context, stage, [("npm", str(number)) for number in range(4)], everywhere)
    assert [percent for percent, _stage, _left in context.told] == [25.0, 50.0, 75.0, 100.0, 100.0]


def test_what_is_known_is_kept_for_the_next_analysis(
    context: RecordingContext, stage: Stage, registry: RegistryServer, everywhere: dict[str, str]
) -> None:
    registry.answers[PATH] = answer(b'{"latest": "1.0.0"}')
    first = look_up(context, stage, [PACKAGE], everywhere)
    assert look_up(context, stage, [PACKAGE], everywhere) == first
    assert registry.asked == [PATH]


def test_what_was_not_answered_is_asked_again(
    context: RecordingContext, stage: Stage, registry: RegistryServer, everywhere: dict[str, str]
) -> None:
    registry.answers[PATH] = answer(b"", 503)
    look_up(context, stage, [PACKAGE], everywhere)
    registry.answers[PATH] = answer(b'{"latest": "1.0.0"}')
    assert look_up(context, stage, [PACKAGE], everywhere)[PACKAGE] == Newest("1.0.0", "1.0.0")


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
