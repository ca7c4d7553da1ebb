"""How a chaos run begins and ends: in a folder of its own, with an exit code that says what came of it."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from tests.postgres import Unavailable

Evidence = TypeVar("Evidence")


class Verdict(Protocol):
    """What is thought of the evidence."""

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""


Judged = TypeVar("Judged", bound=Verdict)


def run(
    prefix: str,
    play: Callable[[Path], Evidence],
    judge: Callable[[Evidence], Judged],
    lines: Callable[[Evidence, Judged], Iterable[str]],
) -> int:
    """Play, judge and print; return 0 if all held, else 1 (the folder is kept), 130 if it was stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        evidence = play(folder)
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return _removed(folder, 1)
    except (KeyboardInterrupt, SystemExit):
        print("Stopped.", file=sys.stderr)
        return _removed(folder, 130)
    verdict = judge(evidence)
    if not verdict.held:
        print(f"Logs and ledgers are kept in {folder}", flush=True)
    print("\n".join(lines(evidence, verdict)), flush=True)
    return _removed(folder, 0) if verdict.held else 1


def whole(text: str) -> int:
    """Return a number from 0 on; raises `ValueError`."""
    number = int(text)
    if number < 0:
        raise ValueError("negative")
    return number


def _removed(folder: Path, exit_code: int) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    return exit_code
