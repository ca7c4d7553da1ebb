"""What a person at a terminal sees of Ctrl-C."""

import json
import os
import pty
import select
import shutil
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SLEEPER = [{"name": "web", "code": "import time; time.sleep(300)"}]


def type_into(command: list[str], prompt: bytes, keys: bytes) -> tuple[int, bytes]:
    """Run a command on a terminal, type `keys` once it printed `prompt`; return exit code and output."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    output, typed, deadline = b"", False, time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                output += os.read(terminal, 4096)
            except OSError:  # Linux says so that nobody has the other end any more.
                break
        if prompt in output and not typed:
            os.write(terminal, keys)
            typed = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_ctrl_c_ends_make_without_an_error(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text(json.dumps(SLEEPER))
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"run:\n\t@cd {ROOT} && exec {sys.executable} -m tests.project.stand_in {tmp_path}\n")
    code, output = type_into(["make", "-f", str(makefile), "run"], b"started", b"\x03")
    assert code == 0
    assert b"***" not in output
    assert not (tmp_path / "lock").exists()


def test_ctrl_c_ends_the_supervisor_without_make_too(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text(json.dumps(SLEEPER))
    command = [sys.executable, "-m", "tests.project.stand_in", str(tmp_path)]
    code, _ = type_into(["env", "-u", "MAKELEVEL", "-C", str(ROOT), *command], b"started", b"\x03")
    assert code == 0
