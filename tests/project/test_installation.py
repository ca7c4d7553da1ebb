"""The environment that `make` builds, with requirements that need no network."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcpchat_project import installation
from mcpchat_project.installation import Failed, prepare, recorded

NAMES = ["requirements.txt"]
WITH_TESTS = ["requirements.txt", "requirements-dev.txt"]


@pytest.fixture(scope="module", autouse=True)
def _offline() -> Iterator[None]:
    """No package is found anywhere, so uv cannot be had and pip is what installs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("UV_OFFLINE", "1")
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose environment was made once for this module."""
    root = tmp_path_factory.mktemp("built")
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "requirements-dev.txt").write_text("# nothing either\n")
    assert prepare(root, NAMES)
    return root


def test_a_finished_environment_is_left_alone(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = recorded(built / ".venv")
    assert not prepare(built, NAMES)
    assert capfd.readouterr() == ("", "")
    assert recorded(built / ".venv") == before


def test_it_runs_its_own_python(built: Path) -> None:
    python = built / ".venv" / "bin" / "python"
    found = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
    assert found.stdout.strip() == str(built / ".venv")


def test_more_requirements_are_added_to_it(built: Path, capfd: pytest.CaptureFixture[str]) -> None:
    marker = built / ".venv" / "same"
    marker.touch()
    assert prepare(built, WITH_TESTS)
    assert "uv did not work here; installing with pip" in capfd.readouterr().out
    assert marker.exists()
    assert not prepare(built, NAMES)
    assert not prepare(built, WITH_TESTS)


def test_changed_requirements_that_cannot_be_had_leave_what_there_was(built: Path) -> None:
    before = recorded(built / ".venv")
    requirements = (built / "requirements.txt").read_text()
    (built / "requirements.txt").write_text("no-such-package-mcpchat==1\n")
    with pytest.raises(Failed, match="could not be installed"):
        prepare(built, NAMES)
    assert recorded(built / ".venv") == before
    (built / "requirements.txt").write_text(requirements)
    assert not prepare(built, NAMES)


def test_an_environment_without_a_record_is_made_anew(built: Path) -> None:
    (built / ".venv" / "installed").unlink()
    leftover = built / ".venv" / "half-installed"
    leftover.touch()
    assert prepare(built, NAMES)
    assert not leftover.exists()


def test_a_failed_first_installation_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("no-such-package-mcpchat==1\n")
    with pytest.raises(Failed, match="could not be installed"):
        prepare(tmp_path, NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.txt"]


def test_a_python_without_ensurepip_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (tmp_path / "requirements.txt").write_text("")
    with pytest.raises(Failed, match=r"apt install python3\.\d+-venv") as caught:
        prepare(tmp_path, NAMES)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / ".venv").exists()


def test_another_python_or_a_moved_folder_does_not_count_as_installed(built: Path, tmp_path: Path) -> None:
    moved = tmp_path / ".venv"
    assert installation.identity(moved) != installation.identity(built / ".venv")
    major, minor = sys.version_info[:2]
    assert installation.identity(moved) == f"python {major}.{minor} {moved}"


def test_a_record_counts_for_nothing_when_the_python_below_it_is_gone(tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "installed").write_text("python\n")
    (venv / "bin" / "python").symlink_to(tmp_path / "removed")
    assert recorded(venv) == []
