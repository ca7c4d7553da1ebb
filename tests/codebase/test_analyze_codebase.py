"""The tool as a whole: what it refuses, tells, keeps and returns."""

import json
import os
import shutil
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app.context import Stopped, ToolError
from agents_app.registry import ToolResult, find_tool
from sessions_app.errors import Refusal
from sessions_app.markdown import render
from tests.git_server import GitServer, commit_all
from tests.recording import RecordingContext, child_processes

Analyze = Callable[..., ToolResult]
MILESTONES = {
    "cloning": 10.0,
    "analyzing": 30.0,
    "scanning_dependencies": 60.0,
    "generating_report": 80.0,
    "complete": 100.0,
}
SHOP: dict[str, str | bytes] = {
    "shop/cart.py": (
        "class Cart:\n    def total(self):\n        if self:\n            return 1\n\n\ndef f():\n    pass\n"
    ),
    "tests/test_cart.py": "def test_total():\n    pass\n",
    "web/app.js": "function start() {}\n",
    "requirements.txt": "django==5.2\ncelery\n",
    "package.json": '{"devDependencies": {"vite": "^5"}}',
    "web/package.json": '{"broken',
    "LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "README.md": "# Shop\n",
}


def test_it_is_declared_as_heavy_and_repeatable() -> None:
    tool = find_tool("analyze_codebase")
    assert (tool.heavy, tool.safe_to_repeat, tool.input_schema["additionalProperties"]) == (True, True, False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "invalid_arguments"),
        ({"repo_url": "https://example.org/x", "path": "/x"}, "invalid_arguments"),
        ({"path": "/x", "ref": "main"}, "invalid_arguments"),
        ({"repo_url": "https://example.org/x", "depth": 5}, "invalid_arguments"),
        ({"repo_url": 5}, "invalid_arguments"),
        ({"repo_url": "https://example.org/" + "x" * 2000}, "invalid_arguments"),
        ({"repo_url": "https://example.org/x", "ref": "a..b"}, "invalid_arguments"),
        ({"repo_url": "https://example.org/x", "ref": "--upload-pack=x"}, "repository_refused"),
        ({"repo_url": "--upload-pack=x"}, "repository_refused"),
        ({"repo_url": "http://169.254.169.254/x"}, "repository_refused"),
        ({"path": "/etc"}, "folder_not_allowed"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_queued(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        find_tool("analyze_codebase").validate(arguments)
    assert refusal.value.code == code


def test_proper_arguments_are_accepted_without_looking_anything_up() -> None:
    arguments = {"repo_url": "https://no-such-host.invalid/x", "ref": "main"}
    assert find_tool("analyze_codebase").validate(arguments) == arguments


def test_what_was_forbidden_meanwhile_is_refused_at_run_time(analyze: Analyze, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as error:
        analyze(path=str(tmp_path))
    assert error.value.code == "folder_not_allowed"
    with pytest.raises(ToolError) as error:
        analyze(repo_url="http://127.0.0.1/x")
    assert error.value.code == "repository_refused"


def test_a_repository_is_analysed_in_all_its_parts(server: GitServer, analyze: Analyze) -> None:
    server.add("shop", SHOP)
    data = analyze(repo_url=server.url("shop")).data
    assert (data["schema_version"], data["complete"]) == (1, True)
    assert data["totals"]["files"] == 8
    assert data["languages"][0]["name"] == "Python"
    assert data["most_complex_files"][0]["path"] == "shop/cart.py"
    symbols = data["symbols"]
    assert (symbols["functions"], symbols["methods"], symbols["classes"]) == (3, 1, 1)
    assert {"name": "total", "file": "shop/cart.py", "line": 2, "lines": 3, "language": "Python"} in data[
        "largest_functions"
    ]
    assert [(row["name"], row["version"], row["scope"]) for row in data["dependencies"]] == [
        ("vite", "^5", "dev"),
        ("django", "==5.2", "runtime"),
        ("celery", "", "runtime"),
    ]
    assert data["dependency_totals"]["unpinned"] == 1
    assert data["manifests_unreadable"] == [{"path": "web/package.json", "reason": "not JSON"}]
    assert data["licences"] == [{"path": "LICENSE", "licence": "MIT"}]
    assert data["tests"] == {"files": 1, "functions": 1}
    assert set(data["duration_seconds"]) == {*MILESTONES, "total"} - {"complete"}
    json.dumps(data)


def test_summary_and_report_are_markdown_for_a_chat(server: GitServer, analyze: Analyze) -> None:
    server.add("shop", SHOP)
    found = analyze(repo_url=server.url("shop"))
    assert found.summary.startswith("**shop**: 8 files, 15 lines of code, mostly Python (")
    assert found.summary.endswith("4 functions, 1 class, 1 test, 3 dependencies.")
    html = render(found.report)
    for heading in ("What stands out", "Languages", "Hot spots", "Dependencies", "Tests and licence"):
        assert f"<h2>{heading}</h2>" in html
    assert "1 of 2 runtime dependencies take any version" in found.report


def test_progress_rises_through_all_milestones_in_order(
    server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    server.add("shop", SHOP)
    analyze(repo_url=server.url("shop"))
    percents = [percent for percent, _stage, _left in context.told]
    assert percents == sorted(percents)
    highest = {stage: percent for percent, stage, _left in context.told}
    assert (list(highest), highest) == (list(MILESTONES), MILESTONES)


def test_an_allowed_folder_is_analysed_in_place(
    write: Callable[..., Path], analyze: Analyze, context: RecordingContext, settings: Any
) -> None:
    folder = write(SHOP)
    settings.ALLOWED_FOLDERS = [folder.parent]
    before = sorted(folder.rglob("*"))
    data = analyze(path=str(folder)).data
    assert (data["repository"]["path"], data["totals"]["files"]) == (str(folder), 8)
    assert sorted(folder.rglob("*")) == before
    assert [stage for _percent, stage, _left in context.told][-1] == "complete"


def test_what_was_known_is_kept_after_each_part(
    server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    server.add("shop", SHOP)
    context.stop_when = lambda percent, stage: stage == "scanning_dependencies"
    with pytest.raises(Stopped):
        analyze(repo_url=server.url("shop"))
    assert [kept.summary.partition(":")[0] for kept in context.kept] == [
        f"Stopped while {doing}"
        for doing in (
            "counting lines",
            "reading functions",
            "comparing files",
            "reading the history",
            "scanning dependencies",
        )
    ]
    assert context.kept[-1].summary.endswith("2 Python files, 17 lines counted, 4 functions, 1 class so far.")
    assert "**Stopped while scanning dependencies.**" in context.kept[-1].report
    assert context.kept[-1].data["complete"] is False
    assert context.kept[-1].data["symbols"]["functions"] == 3
    assert "dependencies" not in context.kept[-1].data


def test_names_in_any_encoding_and_with_markup_are_only_names(server: GitServer, analyze: Analyze) -> None:
    names = [
        "<script>.py",
        "a|b`c.py",
        "[x](y).py",
        "new\nline.py",
        "\u202egnp.py",
        os.fsdecode(b"\xff\xfe.py"),
        "--help.py",
    ]
    server.add("names", dict.fromkeys(names, "def f():\n    if 1:\n        return 1\n"))
    found = analyze(repo_url=server.url("names"))
    assert found.data["totals"]["counted_files"] == len(names)
    assert found.data["symbols"]["functions"] == len(names)
    json.dumps(found.data).encode()
    text = json.dumps([found.data, found.report, found.summary], ensure_ascii=False)
    text.encode()
    assert "\u202e" not in text
    assert not re_search_tags(render(found.report))


def re_search_tags(html: str) -> bool:
    """Say whether a page has a link, a picture or a script."""
    return any(f"<{tag}" in html for tag in ("a ", "img", "script"))


@pytest.fixture(scope="module")
def django_server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A git server with the installed Django as a repository."""
    root = tmp_path_factory.mktemp("served")
    installed = Path(sysconfig.get_path("purelib")) / "django"
    shutil.copytree(installed, root / "django", ignore=shutil.ignore_patterns("__pycache__"))
    commit_all(root / "django")
    with GitServer(root) as server:
        yield server


def test_django_is_analysed_with_steady_progress(
    django_server: GitServer, analyze: Analyze, context: RecordingContext, settings: Any
) -> None:
    settings.ALLOWED_GIT_HOSTS = [django_server.host]
    found = analyze(repo_url=django_server.url("django"))
    python = next(language for language in found.data["languages"] if language["name"] == "Python")
    assert python["files"] > 800
    assert python["code"] > 100_000
    assert found.data["symbols"]["methods"] > 5_000
    assert len({percent for percent, _stage, _left in context.told}) > 300
    assert context.longest_silence < 0.5
    assert len(found.report.encode()) < 30_000


@pytest.mark.parametrize(
    ("stage", "percent"), [("analyzing", 11.0), ("analyzing", 20.0), ("scanning_dependencies", 30.0)]
)
def test_a_cancel_while_analysing_ends_within_half_a_second(
    django_server: GitServer,
    analyze: Analyze,
    context: RecordingContext,
    settings: Any,
    stage: str,
    percent: float,
) -> None:
    settings.ALLOWED_FOLDERS = [django_server.root]
    before = child_processes()
    context.stop_when = lambda told, name: name == stage and told >= percent
    with pytest.raises(Stopped):
        analyze(path=str(django_server.root / "django"))
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 0.5
    assert child_processes() == before
