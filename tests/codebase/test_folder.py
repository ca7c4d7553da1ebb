"""Folders of this machine: only those that the operator listed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agents_app.codebase import folder
from agents_app.codebase.files import list_files
from agents_app.codebase.source import Source
from agents_app.context import ToolError
from agents_app.stages import Stage
from sessions_app.errors import Refusal
from tests.git_server import commit_all, git

Write = Callable[..., Path]


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder that is allowed, beside one that is not."""
    (tmp_path / "allowed/inner").mkdir(parents=True)
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed/out").symlink_to(tmp_path / "allowed-not")
    (tmp_path / "in").symlink_to(tmp_path / "allowed/inner")
    return tmp_path / "allowed"


@pytest.mark.parametrize("path", ["", "/inner", "/inner/../inner", "/../in"])
def test_folders_inside_are_allowed(allowed: Path, path: str) -> None:
    assert folder.source(f"{allowed}{path}", [allowed]).folder.is_dir()


@pytest.mark.parametrize(
    "path", ["/..", "/../allowed-not", "/out", "/missing", "/inner/../../allowed-not", "\0"]
)
def test_all_else_is_refused_in_the_same_words(allowed: Path, path: str) -> None:
    with pytest.raises(Refusal) as refusal:
        folder.source(f"{allowed}{path}", [allowed])
    assert refusal.value.code == "folder_not_allowed"
    assert refusal.value.detail == "There is no such folder among those that the operator allows."


@pytest.mark.parametrize("path", [".", "tests", "~", "", "a" * 5000, "/" + "a/" * 3000])
def test_a_path_that_is_not_absolute_or_is_absurd_is_refused(path: str) -> None:
    with pytest.raises(Refusal):
        folder.source(path, [Path.cwd()])


def test_without_allowed_folders_there_is_none(allowed: Path) -> None:
    with pytest.raises(Refusal):
        folder.source(str(allowed), [])


def test_branch_and_commit_are_read_without_git(tmp_path: Path) -> None:
    path = tmp_path / "code"
    path.mkdir()
    commit_all(path)
    commit = git(path, "rev-parse", "HEAD")
    found = folder.source(str(path), [tmp_path])
    assert (found.branch, found.commit) == ("main", commit)
    git(path, "pack-refs", "--all")
    assert folder.source(str(path), [tmp_path]).commit == commit
    git(path, "checkout", "--quiet", "--detach")
    assert (folder.source(str(path), [tmp_path]).branch, folder.source(str(path), [tmp_path]).commit) == (
        "",
        commit,
    )


@pytest.mark.parametrize(
    "head", ["ref: refs/heads/../../../secret", "ref: refs/heads/x\0", "x" * 5000, "ref: /etc/passwd", ""]
)
def test_a_hostile_head_tells_nothing(tmp_path: Path, head: str) -> None:
    (tmp_path / "code/.git").mkdir(parents=True)
    (tmp_path / "secret").write_text("1" * 40)
    (tmp_path / "code/.git/HEAD").write_text(head)
    found = folder.source(str(tmp_path / "code"), [tmp_path])
    assert found.commit == ""


def test_links_and_the_folders_of_tools_are_left_out(write: Write, stage: Stage) -> None:
    root = write({
        "a.py": "", "node_modules/x/index.js": "", ".git/config": "", "env/pyvenv.cfg": "",
        "env/lib/x.py": "", "target/CACHEDIR.TAG": "", "target/x.rs": "",
        "vendor/modules.txt": "", "vendor/x.go": "", "lib/vendor/own.go": "", "build/own.py": "",
    })  # fmt: skip
    (root / "link.py").symlink_to("/etc/passwd")
    (root / "linked").symlink_to("/etc")
    os.mkfifo(root / "pipe.py")
    listing = list_files(stage, Source(folder=root, name="code", origin={}))
    assert [file.path for file in listing.files] == ["a.py", "build/own.py", "lib/vendor/own.go"]
    assert listing.skipped_folders == {"node_modules": 1, "env": 1, "target": 1, "vendor": 1}
    assert listing.links == 2


def test_a_folder_without_files_has_no_source(tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(ToolError) as error:
        list_files(stage, Source(folder=tmp_path / "work", name="code", origin={}))
    assert error.value.code == "no_source_found"


def test_too_many_files_are_refused(write: Write, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents_app.codebase.files.MAX_FILES", 2)
    root = write({"a": "", "b": "", "c": ""})
    with pytest.raises(ToolError) as error:
        list_files(stage, Source(folder=root, name="code", origin={}))
    assert error.value.code == "repository_too_large"
