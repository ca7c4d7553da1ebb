"""A forked process and the files of the one that it is a copy of."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
import fcntl, gc, os, socket, sys
from mcpchat_project.supervisor import linux

class Parents:
    def __init__(self):
        self.itself = self
        self.lock = open(sys.argv[1], "w")
        self.files = [open(sys.argv[1]), socket.socket(), *socket.socketpair()]
        fcntl.flock(self.lock, fcntl.LOCK_EX)

gc.disable()
parents = Parents()
number = os.dup(parents.lock.fileno())
linux.let_go_of_files()
own = [os.open(sys.argv[1], os.O_RDONLY) for _ in range(10)]
fcntl.flock(own[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
del parents
gc.collect()
for file in own:
    os.fstat(file)
print("all there")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there processes are forked")
def test_what_a_forked_process_has_from_its_parent_closes_none_of_its_own_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "file")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.stdout, ended.stderr) == ("all there\n", "")
