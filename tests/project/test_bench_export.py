"""What `make bench-export` measures with: the memory of a program and of all that it starts."""

import subprocess

import pytest

from benchmarks.exporting import peak

BYTES = 60_000_000
CHILD = f"import time; kept = b'x' * {BYTES}; time.sleep(0.5)"
PARENT = f'subprocess.run([sys.executable, "-c", {CHILD!r}], check=True); print("done")'


def test_the_memory_of_a_program_has_that_of_its_children_in_it() -> None:
    alone = peak.run("timeit", "-n1", "-r1", "-s", "import time", "time.sleep(0.5)")
    ran = peak.run("timeit", "-n1", "-r1", "-s", "import subprocess, sys", PARENT)
    assert ran.output.startswith("done")
    assert ran.peak_mb - alone.peak_mb >= BYTES / 1e6


def test_a_program_that_fails_is_not_measured() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        peak.run("timeit", "-n1", "-r1", "1 / 0")
