"""The examples of the documentation run as they are written."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.house import ROOT, House, Person
from tests.git_server import GitServer

DOCUMENT = (ROOT / "docs" / "api.md").read_text()


def _example(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)[number])


@pytest.fixture
def environment(ann: Person, house: House, git_server: GitServer) -> dict[str, str]:
    """What the examples take from the environment."""
    token = ann.headers["Authorization"].removeprefix("Token ")
    own = {"TOKEN": token, "REPOSITORY": git_server.url("sample"), "SERVER": house.url}
    return {**os.environ, **own, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.mark.skipif(not Path("/usr/bin/curl").exists(), reason="no curl here")
def test_the_shell_example_analyzes_and_downloads(
    environment: dict[str, str], house: House, tmp_path: Path
) -> None:
    script = _example("sh").replace("http://127.0.0.1:8000", house.url)
    done = subprocess.run(
        ["sh", "-euc", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert "# Code analysis" in done.stdout
    assert '"schema_version": 2' in (tmp_path / "session.json").read_text()


@pytest.mark.skipif(not Path("/usr/bin/curl").exists(), reason="no curl here")
def test_the_shell_example_uploads_and_has_a_tool_work_on_it(
    environment: dict[str, str], house: House, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "1,2\n" * 1000)
    done = subprocess.run(
        ["sh", "-euc", _example("sh", 1).replace("http://127.0.0.1:8000", house.url)],
        env={**environment, "TABLE": str(table)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [hashlib.sha256(table.read_bytes()).hexdigest(), "succeeded"]
    assert (tmp_path / "copy.csv").read_bytes() == table.read_bytes()


def test_the_python_example_follows_the_work_to_its_end(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _example("python")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("subagent.completed")
