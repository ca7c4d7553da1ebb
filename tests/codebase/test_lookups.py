"""What registries are asked, and what becomes of their answers: over real HTTP on the loopback interface."""

import json
import time
from http.server import BaseHTTPRequestHandler

import pytest

from agents_app.codebase.dependencies import asking, lookups
from agents_app.codebase.dependencies.lookups import Newest, look_up
from agents_app.context import Stopped
from agents_app.stages import Stage
from tests.codebase.registry import RegistryServer, answer
from tests.recording import RecordingContext, child_processes

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
