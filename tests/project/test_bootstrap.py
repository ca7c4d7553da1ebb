"""What an old Python, or one without venv, says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).resolve().parent.parent.parent / "mcpchat_project" / "bootstrap.py"
PRETEND = "import sys, runpy; sys.version_info = {version}; runpy.run_path({path!r}, run_name='__main__')"
# Not in Python 2.7 or not before 3.6: f-strings, annotations, the walrus, keyword-only parameters, async.
TOO_NEW = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Match, ast.Nonlocal)


def run(python: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 99)])
def test_an_old_python_is_refused_in_one_sentence(version: tuple[int, ...]) -> None:
    result = run(sys.executable, "-c", PRETEND.format(version=version, path=str(BOOTSTRAP)))
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("MCP Chat needs Python 3.11 or newer, but ")
    assert ".".join(map(str, version)) in result.stderr


def old_pythons() -> list[str]:
    """Return the old interpreters that pyenv has on this machine, if any."""
    folders = (Path.home() / ".pyenv" / "versions").glob("*")
    return [
        str(folder / "bin" / "python") for folder in folders if folder.name.startswith(("2.7", "3.6", "3.8"))
    ]


@pytest.mark.parametrize("python", old_pythons())
def test_a_real_old_python_is_refused_in_one_sentence(python: str) -> None:
    result = run(python, str(BOOTSTRAP))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "MCP Chat needs Python 3.11 or newer" in result.stderr


def test_the_bootstrap_uses_no_syntax_that_an_old_python_cannot_read() -> None:
    tree = ast.parse(BOOTSTRAP.read_text())
    nodes = list(ast.walk(tree))
    assert not [node for node in nodes if isinstance(node, TOO_NEW)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    assert not [node for node in functions if node.returns or any(arg.annotation for arg in node.args.args)]
