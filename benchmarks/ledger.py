"""Where both kinds of work note when they started: one number a line, on a clock that all processes share."""

import os
import time
from pathlib import Path


def path() -> Path:
    """Return the file that BENCH_LEDGER names."""
    return Path(os.environ["BENCH_LEDGER"])


def note(_seen: list[int] = []) -> None:  # noqa: B006  # the descriptor of this process, opened once
    """Append the present moment, in nanoseconds of the monotonic clock."""
    moment = time.monotonic_ns()
    if not _seen:
        _seen.append(os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    os.write(_seen[0], b"%d\n" % moment)


def moments() -> list[int]:
    """Return all noted moments, in the order of their notes."""
    file = path()
    return [int(line) for line in file.read_bytes().split()] if file.exists() else []


def wait_for(count: int, seconds: float = 60.0) -> list[int]:
    """Return the moments as soon as there are `count`. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    line = None
    while time.monotonic() < deadline:
        # A line has a fixed length for hundreds of years: the size tells the count without a read.
        size = path().stat().st_size if path().exists() else 0
        line = line or (len(path().read_bytes().split(b"\n", 1)[0]) + 1 if size else None)
        if line and size >= count * line:
            return moments()
        time.sleep(0.0005)
    raise TimeoutError(f"{count} pieces of work did not start within {seconds:.0f} s")
