"""Only a part of a code base."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app.codebase import subfolder
from agents_app.codebase.source import Source
from agents_app.context import ToolError
from agents_app.registry import ToolResult, find_tool
from sessions_app.errors import Refusal
from tests.git_server import GitServer, git

Analyze = Callable[..., ToolResult]
PYTHON = "def f():\n    pass\n"


@pytest.mark.parametrize("text", ["/src", "..", "src/../..", "src/..", "a\0b", "/"])
def test_what_is_no_path_below_the_root_is_refused_before_anything_is_queued(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        find_tool("analyze_codebase").validate({"repo_url": "https://example.org/x", "subfolder": text})
    assert refusal.value.code == "invalid_arguments"


@pytest.mark.parametrize(("text", "path"), [("src", "src"), ("./src//app/", "src/app"), (".", "")])
def test_a_path_has_one_spelling(text: str, path: str) -> None:
    assert subfolder.check(text) == path


@pytest.mark.parametrize(
    "text", ["missing", "file.py", "out", "inner/out", ".git", "inner/.git", "loop", "x" * 5000, "a/" * 3000]
)
def test_what_is_no_folder_inside_is_not_found(tmp_path: Path, text: str) -> None:
    root = tmp_path / "root"
    for folder in ("inner/.git", ".git", "src"):
        (root / folder).mkdir(parents=True)
    (root / "file.py").write_text(PYTHON)
    (root / "out").symlink_to(tmp_path)
    (root / "inner/out").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    with pytest.raises(ToolError) as error:
        subfolder.enter(Source(folder=root, name="x", origin={}), text)
    assert error.value.code == "subfolder_not_found"


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "code").symlink_to("src")
    source = Source(folder=tmp_path, name="x", origin={}, links=frozenset({"src/a", "b"}))
    found = subfolder.enter(source, "src")
    assert (found.folder, found.links) == (tmp_path / "src", frozenset({"a"}))
    assert subfolder.enter(source, "code").folder == tmp_path / "src"


def test_of_a_repository_only_what_is_below_counts(server: GitServer, analyze: Analyze) -> None:
    folder = server.add("shop", {"a.py": PYTHON * 9, "src/b.py": PYTHON, "src/package.json": "{}"})
    (folder / "src/link.py").symlink_to("/etc/passwd")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Link")
    (folder / "a.py").write_text("")
    git(folder, "commit", "--quiet", "--all", "--message=Elsewhere")
    data = analyze(repo_url=server.url("shop"), subfolder="./src/").data
    assert (data["totals"]["files"], data["repository"]["subfolder"]) == (2, "src")
    assert data["not_analyzed"]["symlinks"] == 1


def test_of_an_allowed_folder_too(write: Callable[..., Path], analyze: Analyze, settings: Any) -> None:
    folder = write({"a.py": PYTHON, "src/b.py": PYTHON})
    settings.ALLOWED_FOLDERS = [folder]
    assert analyze(path=str(folder), subfolder="src").data["totals"]["files"] == 1
    (folder / "up").symlink_to(folder.parent)
    with pytest.raises(ToolError) as error:
        analyze(path=str(folder), subfolder="up")
    assert error.value.code == "subfolder_not_found"
