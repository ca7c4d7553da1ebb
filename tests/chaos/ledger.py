"""What work leaves outside the database: lines in an append-only file, and a lock held while it runs.

Nothing here knows Django: the observer must not share a mistake with what it observes. The lock is an
`flock`, which children of the work inherit: it is free only when the work and all that it started are dead.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# In the environment of the installation, and of each process that work starts.
FOLDER = "CHAOS_FOLDER"
CHILD_MARK = "CHAOS_CHILD"
LEDGER = "ledger.jsonl"
OBSERVATIONS = "observations.jsonl"
RUNNING = "running"
DRAFTS = "drafts"


@dataclass(frozen=True, kw_only=True)
class Running:
    """An attempt that runs, as the name of its lock file tells."""

    subagent: str
    attempt: int
    pid: int
    pool: str
    kind: str

    @property
    def file_name(self) -> str:
        """The name of the lock file."""
        return f"{self.subagent}.{self.attempt}.{self.pid}.{self.pool}.{self.kind}"

    @classmethod
    def named(cls, file_name: str) -> "Running":
        """Return what a lock file's name tells."""
        subagent, attempt, pid, pool, kind = file_name.split(".")
        return cls(subagent=subagent, attempt=int(attempt), pid=int(pid), pool=pool, kind=kind)


def prepare(folder: Path) -> None:
    """Make what work writes into."""
    for name in (RUNNING, DRAFTS):
        (folder / name).mkdir(parents=True, exist_ok=True)


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Add one line in one short write: writers in many processes do not mix.

    It begins with a line break, too: a line that a SIGKILL cut short must not spoil the next one.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"\n{json.dumps(record)}\n".encode())
    finally:
        os.close(file)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file in the order in which they were written; cut ones are left out."""
    if not path.exists():
        return []
    found = (_parsed(line) for line in path.read_text().splitlines())
    return [record for record in found if record is not None]


def note(folder: Path, what: str, running: Running, **more: Any) -> None:
    """Write into the ledger what an attempt does now, with the monotonic time in seconds."""
    who = {"subagent": running.subagent, "attempt": running.attempt, "pid": running.pid}
    where = {"pool": running.pool, "kind": running.kind}
    append(folder / LEDGER, {"what": what, "at": time.monotonic(), **who, **where, **more})


@contextmanager
def held(folder: Path, running: Running) -> Iterator[int]:
    """Hold the attempt's lock in the block; yields the descriptor for children to inherit.

    The file gets its name once it is locked: one that is seen unlocked is done for good.
    """
    draft = folder / DRAFTS / running.file_name
    file = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        draft.rename(folder / RUNNING / running.file_name)
        yield file
    finally:
        os.close(file)


def is_held(path: Path) -> bool:
    """Whether any process holds the lock of a file. Looking cannot make work wait: nobody locks it again."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def running_now(folder: Path) -> list[Running]:
    """Return the attempts whose lock is held."""
    names = [name for name in os.listdir(folder / RUNNING) if is_held(folder / RUNNING / name)]
    return [Running.named(name) for name in names]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
